// What a prediction leaves behind: the file, the CSV of a submission, and words on the terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "data/dataset.h"
#include "predict/predict_config.h"
#include "predict/predictor.h"
#include "predict/view_merge.h"
#include "predictions/predictions.h"
#include "predictions/probability_table.h"
#include "predictions/submission.h"
#include "util/timer.h"

namespace dtrain::predict {

// On rank 0. Takes the batches in order.
class PredictReport {
 public:
  // `output` may be empty: no file. The likeliest classes of the first samples are printed if
  // `prints_classes`, and no file is written that has all of them. Borrows the data set.
  PredictReport(const PredictConfig& config,
                const data::Dataset& dataset,
                predictions::PredictionsHeader header,
                std::filesystem::path output,
                bool prints_classes);

  void add(const predict::PredictedBatch& batch);
  // Completes the files and says where they are, and how good the predictions are.
  void finish();

 private:
  void print_classes(const std::string& name, const at::Tensor& logits) const;
  void look_for_broken(const predict::PredictedBatch& batch);
  void count(const predictions::PredictionsIndex& rows, const at::Tensor& logits);
  void progress();

  const PredictConfig& config_;
  const data::Dataset& dataset_;
  predictions::PredictionsHeader header_;
  std::filesystem::path output_;
  bool prints_classes_;
  predict::ViewMerge merge_;
  std::optional<predictions::PredictionsWriter> writer_;
  predictions::Submission submission_;
  std::optional<predictions::ProbabilityTable> probabilities_;
  int64_t done_ = 0, labelled_ = 0, top1_ = 0, top5_ = 0;
  double loss_ = 0;
  int64_t broken_ = 0;  // samples with a logit that is not finite
  std::string first_broken_;
  util::Timer timer_;
  double last_progress_ = 0;
};

}  // namespace dtrain::predict
