// Top-k accuracy.
#pragma once

#include <cstdint>

#include "metrics/metric.h"

namespace dtrain::metrics {

// The percentage of samples whose target is among the k largest logits, from exact integer counts.
// As torchvision's references/classification/utils.py `accuracy`: ties and NaN are ordered as topk
// orders them, so a model that answers the same for every class gets no credit for it. k larger
// than the number of classes counts as that number.
class Accuracy : public Metric {
 public:
  explicit Accuracy(int64_t k) : k_(k) {}
  std::string name() const override { return "top" + std::to_string(k_); }
  void update(const at::Tensor& loss_sum,
              const at::Tensor& logits,
              const at::Tensor& targets) override;
  double compute(const at::Tensor& sums) const override { return 100.0 * ratio(sums); }

 private:
  int64_t k_;
};

}  // namespace dtrain::metrics
