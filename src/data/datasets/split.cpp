// Stratified parts of a list of samples.
#include "data/datasets/split.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/sample.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

// The positions of each class's samples, in random order; see Note [Splits are drawn class by
// class].
std::vector<Indices> shuffled_classes(const std::vector<int64_t>& targets,
                                      int64_t classes,
                                      util::RandomStream stream,
                                      uint64_t seed) {
  std::vector<Indices> members(static_cast<size_t>(classes));
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] == kUnlabelled) continue;
    check(targets[i] >= 0 && targets[i] < classes, "a target is the number of a class");
    members[static_cast<size_t>(targets[i])].push_back(static_cast<int64_t>(i));
  }
  for (size_t k = 0; k < members.size(); ++k) {
    util::CounterRng rng(seed, stream, 0, static_cast<int64_t>(k));
    Indices& order = members[k];
    for (size_t left = order.size(); left > 1; --left) {
      const int64_t other = rng.below(static_cast<int64_t>(left));
      std::swap(order[left - 1], order[static_cast<size_t>(other)]);
    }
  }
  return members;
}

int64_t classes_of(const std::vector<int64_t>& targets) {
  return targets.empty() ? 0 : *std::max_element(targets.begin(), targets.end()) + 1;
}

// All positions that are not in `taken`, which is ascending.
Indices all_but(const Indices& taken, size_t size) {
  Indices others;
  others.reserve(size - taken.size());
  size_t next = 0;
  for (size_t i = 0; i < size; ++i) {
    if (next < taken.size() && taken[next] == static_cast<int64_t>(i)) {
      ++next;
    } else {
      others.push_back(static_cast<int64_t>(i));
    }
  }
  return others;
}

}  // namespace

HoldoutSplit stratified_split(const std::vector<int64_t>& targets, double fraction, uint64_t seed) {
  check(fraction > 0 && fraction < 1, "the part that is held out is between 0 and 1");
  HoldoutSplit split;
  // Rounding the running total instead of each class keeps the whole within one sample too.
  int64_t seen = 0, due = 0;
  for (const Indices& order :
       shuffled_classes(targets, classes_of(targets), kHoldoutStream, seed)) {
    const auto size = static_cast<int64_t>(order.size());
    seen += size;
    const int64_t total = std::llround(fraction * static_cast<double>(seen));
    const int64_t share = total - std::exchange(due, total);
    const int64_t held = size >= 2 ? std::clamp<int64_t>(share, 1, size - 1) : 0;
    split.held_out.insert(split.held_out.end(), order.begin(), order.begin() + held);
  }
  std::sort(split.held_out.begin(), split.held_out.end());
  split.train = all_but(split.held_out, targets.size());
  return split;
}

std::vector<Indices> k_folds(const std::vector<int64_t>& targets, int64_t folds, uint64_t seed) {
  check(folds >= 2, "there are at least two folds");
  std::vector<Indices> parts(static_cast<size_t>(folds));
  // Dealt like cards, each class going on where the one before it ended: the sizes stay even.
  size_t next = 0;
  for (const Indices& order : shuffled_classes(targets, classes_of(targets), kFoldStream, seed)) {
    for (const int64_t index : order) parts[next++ % parts.size()].push_back(index);
  }
  for (Indices& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

LabelSplit labels_per_class(const std::vector<int64_t>& targets,
                            const std::vector<std::string>& class_names,
                            int64_t count,
                            uint64_t seed) {
  check(count >= 1, "at least one sample of each class keeps its label");
  const auto classes = static_cast<int64_t>(class_names.size());
  const std::vector<Indices> members = shuffled_classes(targets, classes, kLabelStream, seed);
  LabelSplit split;
  for (size_t k = 0; k < members.size(); ++k) {
    const Indices& order = members[k];
    if (static_cast<int64_t>(order.size()) < count) {
      throw config_error("data.labels_per_class",
                         "is " + std::to_string(count) + ", but class " + class_names[k] + " has " +
                             std::to_string(order.size()) + " labelled training samples",
                         "ask for fewer");
    }
    split.labelled.insert(split.labelled.end(), order.begin(), order.begin() + count);
  }
  std::sort(split.labelled.begin(), split.labelled.end());
  split.rest = all_but(split.labelled, targets.size());
  return split;
}

}  // namespace dtrain::data
