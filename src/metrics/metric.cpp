// The sums that every metric keeps.
#include "metrics/metric.h"

#include <ATen/ATen.h>

#include <limits>

#include "util/check.h"

namespace dtrain::metrics {

Metric::Metric() : sums_(at::zeros({2}, at::kDouble)) {}

void Metric::set_sums(const at::Tensor& sums) {
  check(sums.sizes() == sums_.sizes(), "a metric's sums have the same shape in every version");
  sums_ = sums.detach().to(sums_.options(), /*non_blocking=*/false, /*copy=*/true);
}

void Metric::reset() { sums_.zero_(); }

void Metric::add(const at::Tensor& amount, double weight) {
  if (sums_.device() != amount.device()) {
    sums_ = sums_.to(amount.device());
  }
  sums_[0].add_(amount);
  sums_[1].add_(weight);
}

double Metric::ratio(const at::Tensor& sums) {
  const at::Tensor host = sums.to(at::kCPU);
  const double* values = host.const_data_ptr<double>();
  return values[1] == 0.0 ? std::numeric_limits<double>::quiet_NaN() : values[0] / values[1];
}

}  // namespace dtrain::metrics
