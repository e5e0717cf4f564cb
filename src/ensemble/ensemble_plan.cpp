#include "ensemble/ensemble_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "util/check.h"

namespace dtrain::ensemble {

EnsemblePlan::EnsemblePlan(std::vector<double> costs,
                           std::vector<int64_t> group_sizes,
                           std::vector<bool> done)
    : costs_(std::move(costs)),
      group_sizes_(std::move(group_sizes)),
      taken_(std::move(done)),
      retired_(group_sizes_.size(), false),
      ends_(group_sizes_.size(), 0) {
  taken_.resize(costs_.size(), false);
  check(!group_sizes_.empty(), "there is a group");
}

std::optional<int64_t> EnsemblePlan::next(int64_t group) {
  std::vector<size_t> left;
  for (size_t i = 0; i < costs_.size(); ++i) {
    if (!taken_[i]) left.push_back(i);
  }
  std::stable_sort(
      left.begin(), left.end(), [&](size_t a, size_t b) { return costs_[a] > costs_[b]; });
  // The group that asks is free now; who should have been sooner is late.
  std::vector<double> ready = ends_;
  for (double& time : ready) time = std::max(time, ends_[size_t(group)]);
  for (const size_t member : left) {
    const auto end_in = [&](size_t g) {
      return ready[g] + costs_[member] / double(group_sizes_[g]);
    };
    size_t best = size_t(group);
    for (size_t g = 0; g < ready.size(); ++g) {
      if (retired_[g]) continue;
      if (end_in(g) < end_in(best)) best = g;
    }
    if (best == size_t(group)) {
      taken_[member] = true;
      ends_[best] = end_in(best);
      return int64_t(member);
    }
    ready[best] = end_in(best);
  }
  retired_[size_t(group)] = true;
  return std::nullopt;
}

}  // namespace dtrain::ensemble
