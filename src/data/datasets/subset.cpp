// Some of the samples of another data set.
#include "data/datasets/subset.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "util/check.h"
#include "util/hash.h"

namespace dtrain::data {

Subset::Subset(std::shared_ptr<Dataset> base, std::string name, std::vector<int64_t> indices)
    : base_(std::move(base)), name_(std::move(name)), indices_(std::move(indices)) {
  const bool ascend =
      std::adjacent_find(indices_.begin(), indices_.end(), std::greater_equal<>()) ==
      indices_.end();
  check(ascend && (indices_.empty() || (indices_.front() >= 0 && indices_.back() < base_->size())),
        "the indices of a subset ascend within its base");
}

int64_t Subset::at(int64_t index) const {
  check(index >= 0 && index < size(), "a sample's index is below the size of its data set");
  return indices_[static_cast<size_t>(index)];
}

std::string Subset::fingerprint() const {
  util::Hasher hasher;
  hasher.update(base_->fingerprint());
  hasher.update(indices_.data(), indices_.size() * sizeof(int64_t));
  return hasher.hex();
}

std::vector<int64_t> targets_of(const Dataset& dataset) {
  std::vector<int64_t> targets(static_cast<size_t>(dataset.size()));
  for (int64_t i = 0; i < dataset.size(); ++i) targets[static_cast<size_t>(i)] = dataset.target(i);
  return targets;
}

std::vector<int64_t> class_sizes(const Dataset& dataset) {
  std::vector<int64_t> sizes(dataset.class_names().size(), 0);
  for (const int64_t target : targets_of(dataset)) {
    if (target >= 0) ++sizes[static_cast<size_t>(target)];
  }
  return sizes;
}

int64_t labelled_samples(const Dataset& dataset) {
  const std::vector<int64_t> targets = targets_of(dataset);
  return std::count_if(targets.begin(), targets.end(), [](int64_t t) { return t != kUnlabelled; });
}

}  // namespace dtrain::data
