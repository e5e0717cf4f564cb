// Metrics of a model over a whole data set: every sample counted once, over all ranks.
#include "train/evaluation_loop.h"

#include <ATen/ATen.h>

#include <utility>

namespace dtrain::train {

EvaluationLoop::EvaluationLoop(nn::Classifier& model,
                               tasks::Task& task,
                               data::DevicePrefetcher& batches,
                               const dist::ProcessGroup& control,
                               Precision precision,
                               metrics::MetricSet metrics)
    : model_(model),
      task_(task),
      batches_(batches),
      control_(control),
      precision_(precision),
      metrics_(std::move(metrics)) {}

MetricValues EvaluationLoop::run() {
  at::NoGradGuard no_grad;
  model_.eval();
  metrics_.reset();
  batches_.start_epoch(0, 0);
  while (auto batch = batches_.next()) {
    AutocastScope autocast(precision_, batch->images.device());
    metrics_.update(task_.forward(*batch, model_));
  }
  model_.train();
  return metrics_.reduced(control_);
}

}  // namespace dtrain::train
