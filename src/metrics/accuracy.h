// Top-k accuracy.
#pragma once

#include <cstdint>

#include "metrics/metric.h"

namespace dtrain::metrics {

// The percentage of samples whose target is among the k largest logits, from exact integer counts;
// ties as ranks_of_targets() orders them. k larger than the number of classes counts as that
// number. Without ties as torchvision's references/classification/utils.py `accuracy`.
class Accuracy : public Metric {
 public:
  explicit Accuracy(int64_t k) : k_(k) {}
  std::string name() const override { return "top" + std::to_string(k_); }
  int64_t width() const override { return 2; }
  void update(const Seen& seen, const at::Tensor& sums) const override;
  void values(std::span<const double> sums, Values& out) const override;

 private:
  int64_t k_;
};

}  // namespace dtrain::metrics
