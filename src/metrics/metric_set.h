// Metrics that are taken together: one update, one message between ranks, one part of checkpoints.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "metrics/metric.h"
#include "metrics/values.h"
#include "state/stateful.h"

namespace dtrain::dist {
class ProcessGroup;
}

namespace dtrain::metrics {

// The sums of its metrics over the samples seen since the last reset. In a checkpoint each rank's
// own: "metrics.loss", "metrics.top1", ...
class MetricSet : public state::Stateful {
 public:
  explicit MetricSet(std::vector<std::unique_ptr<Metric>> metrics);

  // `out` is a tasks::TaskOutput, or anything with loss_sum, logits and targets. A batch of no
  // samples changes nothing.
  template <typename Output>
  void update(const Output& out) {
    if (out.targets.size(0) > 0) add({out.loss_sum, out.logits, out.targets});
  }

  // The values over the samples of all ranks, the same on every rank. Collective. Leaves this
  // rank's sums as they are, so it can be called in the middle of an epoch, any number of times.
  Values reduced(const dist::ProcessGroup& group) const;

  // What reduced() names.
  std::vector<std::string> value_names() const;

  void reset();

  std::string name() const override { return "metrics"; }
  state::Kind kind() const override { return state::Kind::kPerRank; }
  // (width) double on the CPU for each metric: copies.
  state::NamedTensors state() const override;
  void load(const state::NamedTensors& values) override;

 private:
  void add(const Seen& seen);

  std::vector<std::unique_ptr<Metric>> metrics_;
  at::Tensor sums_;                 // of all metrics one after the other, double
  std::vector<at::Tensor> places_;  // of each metric in it
};

}  // namespace dtrain::metrics
