#include "metrics/metric_set.h"

#include <ATen/ATen.h>

#include <span>
#include <utility>

#include "dist/process_group.h"
#include "util/check.h"

namespace dtrain::metrics {
namespace {

// The pieces of `sums` that belong to each metric; views.
std::vector<at::Tensor> pieces(const at::Tensor& sums,
                               const std::vector<std::unique_ptr<Metric>>& metrics) {
  std::vector<at::Tensor> views;
  int64_t start = 0;
  for (const auto& metric : metrics) {
    views.push_back(sums.narrow(0, start, metric->width()));
    start += metric->width();
  }
  return views;
}

}  // namespace

MetricSet::MetricSet(std::vector<std::unique_ptr<Metric>> metrics) : metrics_(std::move(metrics)) {
  int64_t width = 0;
  for (const auto& metric : metrics_) width += metric->width();
  sums_ = at::zeros({width}, at::kDouble);
  places_ = pieces(sums_, metrics_);
}

void MetricSet::add(const Seen& seen) {
  const at::NoGradGuard no_grad;
  if (sums_.device() != seen.logits.device()) {
    sums_ = sums_.to(seen.logits.device());
    places_ = pieces(sums_, metrics_);
  }
  for (size_t i = 0; i < metrics_.size(); ++i) metrics_[i]->update(seen, places_[i]);
}

Values MetricSet::reduced(const dist::ProcessGroup& group) const {
  // A rank that saw no batch still has its sums on the CPU while others have theirs on the GPU.
  at::Tensor total = sums_.to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
  group.all_reduce_sum(total);
  const auto* next = total.const_data_ptr<double>();
  Values values;
  for (const auto& metric : metrics_) {
    metric->values({next, static_cast<size_t>(metric->width())}, values);
    next += metric->width();
  }
  return values;
}

std::vector<std::string> MetricSet::value_names() const {
  Values values;
  for (const auto& metric : metrics_) {
    metric->values(std::vector<double>(static_cast<size_t>(metric->width())), values);
  }
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  return names;
}

void MetricSet::reset() { sums_.zero_(); }

state::NamedTensors MetricSet::state() const {
  const at::Tensor copy = sums_.to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
  const std::vector<at::Tensor> views = pieces(copy, metrics_);
  state::NamedTensors named;
  for (size_t i = 0; i < metrics_.size(); ++i) named.emplace_back(metrics_[i]->name(), views[i]);
  return named;
}

void MetricSet::load(const state::NamedTensors& values) {
  state::NamedTensors own;
  for (size_t i = 0; i < metrics_.size(); ++i) own.emplace_back(metrics_[i]->name(), places_[i]);
  state::copy_by_name(values, own);
}

}  // namespace dtrain::metrics
