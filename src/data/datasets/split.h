// How a list of samples is divided into parts: pure functions of the targets and a seed, the same
// on every rank, whatever else is set.
//
// Note [Splits are drawn class by class]
// The samples of each class are put into a random order of their own, keyed by (seed, stream of the
// purpose, class), and cut. So every class has its share in every part, the order in one class does
// not depend on the others, and a hold-out, folds and a choice of labels drawn with one seed do not
// depend on each other.
//
// Samples without a target (kUnlabelled) can be learnt from but not evaluated: they stay with what
// is trained on. All results are positions in `targets`, ascending.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "util/random.h"

namespace dtrain::data {

// Streams of the splits, part of reproducibility: append, never renumber (see also the streams of
// the steps in transforms/transform.h).
inline constexpr auto kHoldoutStream = static_cast<util::RandomStream>(70);
inline constexpr auto kFoldStream = static_cast<util::RandomStream>(71);
inline constexpr auto kLabelStream = static_cast<util::RandomStream>(72);

using Indices = std::vector<int64_t>;

struct HoldoutSplit {
  Indices train, held_out;
};

// Holds `fraction` (0 < fraction < 1) of the samples out. Of each class it is within one sample of
// `fraction` times its size, and so is the whole, except that a class of two and more has at least
// one sample in both parts; the only sample of a class is trained on.
HoldoutSplit stratified_split(const std::vector<int64_t>& targets, double fraction, uint64_t seed);

// Cuts the samples that have a target into `folds` >= 2 parts. Each sample is in exactly one; the
// samples of a class, and those of all classes together, differ by at most one between any two
// folds. Folds are empty when there are more of them than samples.
std::vector<Indices> k_folds(const std::vector<int64_t>& targets, int64_t folds, uint64_t seed);

struct LabelSplit {
  Indices labelled, rest;
};

// Keeps `count` >= 1 samples of every class; `rest` is all others, those without a target too.
// Those kept with a smaller count are among those kept with a larger one. Throws Error(kConfig)
// that names the class when one has fewer samples.
LabelSplit labels_per_class(const std::vector<int64_t>& targets,
                            const std::vector<std::string>& class_names,
                            int64_t count,
                            uint64_t seed);

}  // namespace dtrain::data
