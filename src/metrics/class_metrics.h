// Metrics that weigh classes alike, however many samples they have.
#pragma once

#include <cstdint>

#include "metrics/metric.h"

namespace dtrain::metrics {

// All of them come from the counts of (target, predicted class), K * K sums, in percent. The
// predicted class is the largest logit, the lowest class among equals.
class ClassMetric : public Metric {
 public:
  explicit ClassMetric(int64_t classes) : classes_(classes) {}
  int64_t width() const override { return classes_ * classes_; }
  void update(const Seen& seen, const at::Tensor& sums) const override;

 protected:
  int64_t classes_;
};

// The mean recall of the classes that occur; sklearn's balanced_accuracy_score.
class BalancedAccuracy : public ClassMetric {
 public:
  using ClassMetric::ClassMetric;
  std::string name() const override { return "balanced_accuracy"; }
  void values(std::span<const double> sums, Values& out) const override;
};

// The mean F1 of all classes; sklearn's f1_score(average="macro", labels=range(K),
// zero_division=0).
class MacroF1 : public ClassMetric {
 public:
  using ClassMetric::ClassMetric;
  std::string name() const override { return "macro_f1"; }
  void values(std::span<const double> sums, Values& out) const override;
};

// The recall of each class, "recall/0" to "recall/<K - 1>"; NaN for a class that does not occur.
class ClassRecall : public ClassMetric {
 public:
  using ClassMetric::ClassMetric;
  std::string name() const override { return "recall"; }
  void values(std::span<const double> sums, Values& out) const override;
};

}  // namespace dtrain::metrics
