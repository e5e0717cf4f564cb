// What several metrics need.
#include "metrics/metric.h"

#include <ATen/ATen.h>

#include <limits>

namespace dtrain::metrics {

double Metric::ratio(std::span<const double> sums) {
  return sums[1] == 0.0 ? std::numeric_limits<double>::quiet_NaN() : sums[0] / sums[1];
}

at::Tensor without_nan(const at::Tensor& logits) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return at::nan_to_num(logits, -kInfinity, kInfinity, -kInfinity);
}

at::Tensor ranks_of_targets(const at::Tensor& logits, const at::Tensor& targets) {
  const at::NoGradGuard no_grad;
  const at::Tensor values = without_nan(logits);
  const at::Tensor column = targets.unsqueeze(1);
  const at::Tensor own = values.gather(1, column);
  const at::Tensor classes = at::arange(logits.size(1), targets.options());
  const at::Tensor before =
      values.gt(own).logical_or_(values.eq(own).logical_and_(classes.lt(column)));
  return before.sum(1);
}

}  // namespace dtrain::metrics
