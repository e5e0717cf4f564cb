// Means over samples: of the loss that is trained with, and of the negative log-likelihood.
#pragma once

#include "metrics/metric.h"

namespace dtrain::metrics {

// Every batch weighs as much as it has samples, so the value does not depend on how the samples
// were cut into batches or spread over ranks. Sums are double.
class MeanLoss : public Metric {
 public:
  std::string name() const override { return "loss"; }
  int64_t width() const override { return 2; }
  void update(const Seen& seen, const at::Tensor& sums) const override;
  void values(std::span<const double> sums, Values& out) const override;
};

// -log of the probability that the softmax gives the target, whatever the loss is; sklearn's
// log_loss.
class LogLoss : public Metric {
 public:
  std::string name() const override { return "log_loss"; }
  int64_t width() const override { return 2; }
  void update(const Seen& seen, const at::Tensor& sums) const override;
  void values(std::span<const double> sums, Values& out) const override;
};

}  // namespace dtrain::metrics
