// A figure of merit over many batches and ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "metrics/values.h"

namespace dtrain::metrics {

// What a metric sees of a batch of at least one sample.
struct Seen {
  const at::Tensor& loss_sum;  // scalar
  const at::Tensor& logits;    // (B, K)
  const at::Tensor& targets;   // (B) class indices
};

// A metric is a function of a few double sums that simply add up over batches and over ranks. It
// holds no sums itself: MetricSet does. A new one is a class and a row in metrics/registry.cpp.
class Metric {
 public:
  virtual ~Metric() = default;

  // Names its sums in a checkpoint, and its value: "loss", "top1".
  virtual std::string name() const = 0;

  // How many sums: 2 for a mean, K * K for counts of classes.
  virtual int64_t width() const = 0;

  // Adds a batch to `sums` (width) double, on the device of the batch. Only queues work: nothing
  // waits for it until the sums are read.
  virtual void update(const Seen& seen, const at::Tensor& sums) const = 0;

  // The value of sums that were added up over batches and ranks; several where a metric says
  // several things ("recall/0", "recall/1", ...). NaN where they cover no sample.
  virtual void values(std::span<const double> sums, Values& out) const = 0;

 protected:
  // sums[0] / sums[1], NaN without a weight.
  static double ratio(std::span<const double> sums);
};

// The logits with NaN as minus infinity, so that it never wins over a number.
at::Tensor without_nan(const at::Tensor& logits);

// (B) int64: how many classes come before a sample's target when classes are ordered by their
// logit, the largest first and the lowest class first among equals; NaN counts as minus infinity.
// So a target is among the best k where its rank is below k: the one rule of training and of
// everything after it (predictions/predictions.h, largest()).
at::Tensor ranks_of_targets(const at::Tensor& logits, const at::Tensor& targets);

}  // namespace dtrain::metrics
