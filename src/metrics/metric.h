// A figure of merit over many batches and ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace dtrain::metrics {

// A metric keeps a few double sums that simply add up over batches and over ranks, and computes its
// value from them. `update` only queues work on the device; nothing waits for it until the sums are
// read.
//
//   Accuracy top1(1);
//   top1.update(loss_sum, logits, targets);              // every batch
//   double percent = top1.compute(top1.sums());      // or of the sums of all ranks: see MetricSet
class Metric {
 public:
  virtual ~Metric() = default;

  // As the logs and summary.csv call it: "loss", "top1".
  virtual std::string name() const = 0;

  // Takes in a batch: its summed loss (scalar), logits (B, K) and class indices (B). B may be 0.
  virtual void update(const at::Tensor& loss_sum,
                      const at::Tensor& logits,
                      const at::Tensor& targets) = 0;

  // The value of `sums`, laid out as sums(), on any device. NaN when they cover no sample.
  virtual double compute(const at::Tensor& sums) const = 0;

  // (2) double: a weighted sum, and the weights' sum. Part of checkpoints.
  const at::Tensor& sums() const { return sums_; }
  void set_sums(const at::Tensor& sums);
  void reset();

 protected:
  Metric();
  // Adds a scalar tensor and a weight. The sums follow the tensor to its device.
  void add(const at::Tensor& amount, double weight);
  // sums[0] / sums[1]
  static double ratio(const at::Tensor& sums);

 private:
  at::Tensor sums_;
};

}  // namespace dtrain::metrics
