// The metrics of a classifier, taken together: one update, one message between ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "metrics/metric.h"

namespace dtrain::dist {
class ProcessGroup;
}

namespace dtrain::metrics {

// "loss", "top1" and "top5" over the samples seen since the last reset.
class MetricSet {
 public:
  MetricSet();

  // `out` is a tasks::TaskOutput, or anything with loss_sum, logits and targets (see
  // Metric::update).
  template <typename Output>
  void update(const Output& out) {
    for (const auto& metric : metrics_) {
      metric->update(out.loss_sum, out.logits, out.targets);
    }
  }

  // The values over the samples of all ranks, the same on every rank. Collective. Leaves this
  // rank's sums as they are, so it can be called in the middle of an epoch, any number of times.
  std::map<std::string, double> reduced(const dist::ProcessGroup& group) const;

  // (metrics, 2) double on the CPU: this rank's sums, a copy.
  at::Tensor sums() const;
  void set_sums(const at::Tensor& sums);
  void reset();

 private:
  std::vector<std::unique_ptr<Metric>> metrics_;
};

}  // namespace dtrain::metrics
