// Means over samples.
#include "metrics/losses.h"

#include <ATen/ATen.h>

namespace dtrain::metrics {

void MeanLoss::update(const Seen& seen, const at::Tensor& sums) const {
  sums[0].add_(seen.loss_sum.detach().to(at::kDouble));
  sums[1].add_(static_cast<double>(seen.targets.size(0)));
}

void MeanLoss::values(std::span<const double> sums, Values& out) const {
  out["loss"] = ratio(sums);
}

void LogLoss::update(const Seen& seen, const at::Tensor& sums) const {
  const at::NoGradGuard no_grad;
  const at::Tensor logs = at::log_softmax(seen.logits.to(at::kDouble), 1);
  sums[0].sub_(logs.gather(1, seen.targets.unsqueeze(1)).sum());
  sums[1].add_(static_cast<double>(seen.targets.size(0)));
}

void LogLoss::values(std::span<const double> sums, Values& out) const {
  out["log_loss"] = ratio(sums);
}

}  // namespace dtrain::metrics
