// The columns of a run's summary.csv: whoever writes the file, draws it or reads it names them
// here. docs/run_folder.md says what they mean.
#pragma once

#include <string>
#include <vector>

namespace dtrain::settings {

inline constexpr const char* kEpochColumn = "epoch";
inline constexpr const char* kRateColumn = "lr";
inline constexpr const char* kStepColumn = "step";
inline constexpr const char* kSecondsColumn = "seconds";
inline constexpr const char* kSpeedColumn = "images_per_second";

// Of a metric, as it calls itself ("loss", "top1"), over the training samples and over those of the
// evaluation: "train_loss", "eval_top1".
inline std::string train_column(const std::string& metric) { return "train_" + metric; }
inline std::string eval_column(const std::string& metric) { return "eval_" + metric; }

// All of them, in the file's order; what else a run is evaluated by (train.metrics) follows.
inline std::vector<std::string> summary_columns(const std::vector<std::string>& more = {}) {
  std::vector<std::string> columns = {kEpochColumn,
                                      train_column("loss"),
                                      eval_column("loss"),
                                      eval_column("top1"),
                                      eval_column("top5"),
                                      kRateColumn,
                                      train_column("top1"),
                                      train_column("top5"),
                                      kStepColumn,
                                      kSecondsColumn,
                                      kSpeedColumn};
  for (const std::string& metric : more) columns.push_back(eval_column(metric));
  return columns;
}

}  // namespace dtrain::settings
