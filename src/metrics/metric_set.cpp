// The metrics of a classifier, taken together.
#include "metrics/metric_set.h"

#include <ATen/ATen.h>

#include "dist/process_group.h"
#include "metrics/accuracy.h"
#include "metrics/mean.h"
#include "util/check.h"

namespace dtrain::metrics {

MetricSet::MetricSet() {
  metrics_.push_back(std::make_unique<MeanLoss>());
  metrics_.push_back(std::make_unique<Accuracy>(1));
  metrics_.push_back(std::make_unique<Accuracy>(5));
}

std::map<std::string, double> MetricSet::reduced(const dist::ProcessGroup& group) const {
  at::Tensor total = sums();
  group.all_reduce_sum(total);
  std::map<std::string, double> values;
  for (size_t i = 0; i < metrics_.size(); ++i) {
    values[metrics_[i]->name()] = metrics_[i]->compute(total[static_cast<int64_t>(i)]);
  }
  return values;
}

at::Tensor MetricSet::sums() const {
  std::vector<at::Tensor> rows;
  for (const auto& metric : metrics_) {
    // A rank that saw no batch still has its sums on the CPU while others have theirs on the GPU.
    rows.push_back(metric->sums().to(at::kCPU));
  }
  return at::stack(rows);
}

void MetricSet::set_sums(const at::Tensor& sums) {
  check(sums.dim() == 2 && sums.size(0) == static_cast<int64_t>(metrics_.size()),
        "saved sums belong to the same metrics");
  for (size_t i = 0; i < metrics_.size(); ++i) {
    metrics_[i]->set_sums(sums[static_cast<int64_t>(i)]);
  }
}

void MetricSet::reset() {
  for (const auto& metric : metrics_) {
    metric->reset();
  }
}

}  // namespace dtrain::metrics
