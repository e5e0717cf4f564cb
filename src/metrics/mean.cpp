// The mean of the loss over samples.
#include "metrics/mean.h"

#include <ATen/ATen.h>

namespace dtrain::metrics {

void MeanLoss::update(const at::Tensor& loss,
                      const at::Tensor& /*logits*/,
                      const at::Tensor& targets) {
  if (targets.size(0) == 0) {
    return;  // an empty batch has no mean
  }
  const double samples = static_cast<double>(targets.size(0));
  add(loss.detach().to(at::kDouble) * samples, samples);
}

}  // namespace dtrain::metrics
