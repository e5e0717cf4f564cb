// Top-k accuracy.
#include "metrics/accuracy.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace dtrain::metrics {

void Accuracy::update(const at::Tensor& /*loss_sum*/,
                      const at::Tensor& logits,
                      const at::Tensor& targets) {
  if (targets.size(0) == 0) {
    return;
  }
  const at::NoGradGuard no_grad;
  const int64_t k = std::min(k_, logits.size(1));
  const at::Tensor best = std::get<1>(logits.topk(k, /*dim=*/1));
  add(best.eq(targets.unsqueeze(1)).sum(), static_cast<double>(targets.size(0)));
}

}  // namespace dtrain::metrics
