// Losses from logits and targets.
#include "tasks/losses.h"

#include <ATen/ATen.h>

namespace dtrain::tasks {

at::Tensor cross_entropy(const at::Tensor& logits,
                         const at::Tensor& targets,
                         double label_smoothing) {
  const at::Tensor scores = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  if (targets.size(0) == 0) {
    return scores.sum();  // of nothing: zero, and still connected to the model
  }
  return at::cross_entropy_loss(
      scores, targets, /*weight=*/{}, at::Reduction::Sum, /*ignore_index=*/-100, label_smoothing);
}

}  // namespace dtrain::tasks
