// The run in numbers: a row of summary.csv for each epoch, TensorBoard events for each logged step.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "render/csv_writer.h"
#include "render/tensorboard_writer.h"
#include "train/callback.h"
#include "util/timer.h"

namespace dtrain::callbacks {

// For rank 0 only. Opens its files when training starts; what they hold of steps behind the point
// that a resumed run goes on from is taken back first, so that there is no gap and no duplicate.
// docs/run_folder.md lists columns and tags.
class MetricLogger : public train::Callback {
 public:
  // `summary` is the CSV file; the event files go into `folder`. `more`: values of evaluations that
  // have columns besides the usual ones.
  MetricLogger(std::filesystem::path folder,
               std::filesystem::path summary,
               const std::vector<std::string>& more = {});

  void on_train_start(const train::TrainState& state, train::Requests&) override;
  void on_epoch_start(const train::TrainState& state, train::Requests&) override;
  void on_step_end(const train::TrainState& state, train::Requests&) override;
  void on_validation_end(const train::TrainState& state, train::Requests&) override;
  void on_epoch_end(const train::TrainState& state, train::Requests&) override;

 private:
  std::filesystem::path folder_, summary_path_;
  std::vector<std::string> columns_;
  std::optional<render::CsvWriter> summary_;
  std::optional<render::TensorboardWriter> events_;
  util::Timer epoch_timer_;
  bool evaluated_ = false;  // in this epoch
  bool has_steps_ = false;  // this process did some of the epoch's
};

}  // namespace dtrain::callbacks
