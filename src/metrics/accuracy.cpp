// Top-k accuracy.
#include "metrics/accuracy.h"

#include <ATen/ATen.h>

namespace dtrain::metrics {

void Accuracy::update(const Seen& seen, const at::Tensor& sums) const {
  sums[0].add_(ranks_of_targets(seen.logits, seen.targets).lt(k_).sum());
  sums[1].add_(static_cast<double>(seen.targets.size(0)));
}

void Accuracy::values(std::span<const double> sums, Values& out) const {
  out[name()] = 100.0 * ratio(sums);
}

}  // namespace dtrain::metrics
