// The mean of the loss over samples.
#include "metrics/mean.h"

#include <ATen/ATen.h>

namespace dtrain::metrics {

void MeanLoss::update(const at::Tensor& loss_sum,
                      const at::Tensor& /*logits*/,
                      const at::Tensor& targets) {
  if (targets.size(0) == 0) {
    return;
  }
  add(loss_sum.detach().to(at::kDouble), static_cast<double>(targets.size(0)));
}

}  // namespace dtrain::metrics
