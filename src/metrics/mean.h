// The mean of the loss over samples.
#pragma once

#include "metrics/metric.h"

namespace dtrain::metrics {

// Every batch weighs as much as it has samples, so the value does not depend on how the samples
// were cut into batches or spread over ranks. Sums are double.
class MeanLoss : public Metric {
 public:
  std::string name() const override { return "loss"; }
  void update(const at::Tensor& loss_sum,
              const at::Tensor& logits,
              const at::Tensor& targets) override;
  double compute(const at::Tensor& sums) const override { return ratio(sums); }
};

}  // namespace dtrain::metrics
