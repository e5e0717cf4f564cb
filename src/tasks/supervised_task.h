// Plain supervised classification.
#pragma once

#include "tasks/loss_config.h"
#include "tasks/task.h"

namespace dtrain::tasks {

// Cross entropy of the model's logits; label smoothing while the model trains, none in evaluation,
// so that evaluation losses compare between runs (as timm; torchvision's references smooth both).
class SupervisedTask : public Task {
 public:
  explicit SupervisedTask(const LossConfig& config) : config_(config) {}
  TaskOutput forward(const data::Batch& batch, nn::Classifier& model) override;

 private:
  LossConfig config_;
};

}  // namespace dtrain::tasks
