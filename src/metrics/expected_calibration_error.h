// How far confidences are from accuracies, while training.
#pragma once

#include "metrics/metric.h"

namespace dtrain::metrics {

// The ECE over bins of equal width, a share, as calibration_error.h computes it from samples: each
// bin keeps its count, confidences and hits, which add up (Guo et al. 2017).
class ExpectedCalibrationError : public Metric {
 public:
  std::string name() const override { return "ece"; }
  int64_t width() const override;
  void update(const Seen& seen, const at::Tensor& sums) const override;
  void values(std::span<const double> sums, Values& out) const override;
};

}  // namespace dtrain::metrics
