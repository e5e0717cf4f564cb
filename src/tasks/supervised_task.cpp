// Plain supervised classification.
#include "tasks/supervised_task.h"

#include "tasks/losses.h"

namespace dtrain::tasks {

TaskOutput SupervisedTask::forward(const data::Batch& batch, nn::Classifier& model) {
  const at::Tensor logits = model.forward(batch.images);
  const double smoothing = model.is_training() ? config_.label_smoothing : 0.0;
  return {cross_entropy(logits, batch.targets, smoothing), logits, batch.targets};
}

}  // namespace dtrain::tasks
