// Divisions of a list of samples: shares of every class, and what they depend on.
#include "data/datasets/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <set>

#include "data/sample.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

using dtrain::testing::error_text;
using dtrain::testing::mentions;
using Targets = std::vector<int64_t>;

// So many samples of each class, in mixed order.
Targets targets_with(const std::vector<int64_t>& counts) {
  Targets targets;
  for (size_t k = 0; k < counts.size(); ++k) {
    targets.insert(targets.end(), static_cast<size_t>(counts[k]), static_cast<int64_t>(k));
  }
  util::CounterRng rng(1, util::RandomStream::kTest, 0, 0);
  for (size_t i = targets.size(); i > 1; --i) {
    std::swap(targets[i - 1], targets[static_cast<size_t>(rng.below(static_cast<int64_t>(i)))]);
  }
  return targets;
}

std::vector<int64_t> counts_in(const Targets& targets, const Indices& part, size_t classes) {
  std::vector<int64_t> counts(classes);
  for (const int64_t i : part) ++counts[static_cast<size_t>(targets[static_cast<size_t>(i)])];
  return counts;
}

// Each position exactly once, each part ascending.
void expect_partition(const std::vector<Indices>& parts, size_t size) {
  std::vector<int> seen(size);
  for (const Indices& part : parts) {
    EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
    for (const int64_t i : part) ++seen.at(static_cast<size_t>(i));
  }
  EXPECT_EQ(seen, std::vector<int>(size, 1));
}

std::vector<std::string> numbered(size_t classes) {
  std::vector<std::string> names;
  for (size_t k = 0; k < classes; ++k) names.push_back("class" + std::to_string(k));
  return names;
}

TEST(Holdout, TakesItsShareOfEveryClassAndOfTheWhole) {
  for (const std::vector<int64_t>& counts : {std::vector<int64_t>{100, 100, 100},
                                             {1000, 30, 7, 250, 61},
                                             std::vector<int64_t>(40, 25)}) {
    const Targets targets = targets_with(counts);
    for (const double fraction : {0.1, 0.25, 1.0 / 3, 0.5, 0.9}) {
      const HoldoutSplit split = stratified_split(targets, fraction, 5);
      expect_partition({split.train, split.held_out}, targets.size());
      const auto held = counts_in(targets, split.held_out, counts.size());
      for (size_t k = 0; k < counts.size(); ++k) {
        EXPECT_LE(std::abs(double(held[k]) - fraction * double(counts[k])), 1.0) << k;
      }
      EXPECT_LE(std::abs(double(split.held_out.size()) - fraction * double(targets.size())), 1.0);
    }
  }
}

TEST(Holdout, KeepsTinyClassesInBothParts) {
  const Targets targets = targets_with({2, 3, 1, 200, 2});
  for (const double fraction : {0.01, 0.5, 0.99}) {
    const HoldoutSplit split = stratified_split(targets, fraction, 9);
    const auto train = counts_in(targets, split.train, 5);
    const auto held = counts_in(targets, split.held_out, 5);
    for (const size_t k : {0, 1, 3, 4}) {
      EXPECT_GE(train[k], 1) << fraction;
      EXPECT_GE(held[k], 1) << fraction;
    }
    EXPECT_EQ(train[2], 1);  // the only one is learnt from
  }
}

TEST(Holdout, UnlabelledSamplesStayWithTraining) {
  Targets targets(60, kUnlabelled);
  for (size_t i = 0; i < targets.size(); i += 3) targets[i] = static_cast<int64_t>(i % 2);
  const HoldoutSplit split = stratified_split(targets, 0.5, 1);
  expect_partition({split.train, split.held_out}, targets.size());
  EXPECT_EQ(split.held_out.size(), 10U);
  for (const int64_t i : split.held_out) EXPECT_NE(targets[static_cast<size_t>(i)], kUnlabelled);
}

TEST(Holdout, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const Targets targets = targets_with({50, 50});
  EXPECT_EQ(stratified_split(targets, 0.2, 3).held_out, stratified_split(targets, 0.2, 3).held_out);
  std::set<Indices> different;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    different.insert(stratified_split(targets, 0.2, seed).held_out);
  }
  EXPECT_EQ(different.size(), 50U);
}

// Committed numbers: a change of the rule would silently move samples between parts of old runs.
TEST(Splits, AreThoseOfEarlierVersions) {
  const Targets targets = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
  EXPECT_EQ(stratified_split(targets, 0.25, 42).held_out, (Indices{6, 7, 11}));
  EXPECT_EQ(k_folds(targets, 3, 42)[0], (Indices{0, 1, 5, 6}));
  EXPECT_EQ(labels_per_class(targets, numbered(3), 1, 42).labelled, (Indices{3, 7, 8}));
}

// Every sample is as likely as any other of its class: 20,000 draws of 3 of 12, whose standard
// deviation is 61 about 5,000.
TEST(Splits, EverySampleIsEquallyLikely) {
  const Targets targets = targets_with({12, 5});
  std::vector<int> held(targets.size()), first_fold(targets.size()), labelled(targets.size());
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    const HoldoutSplit split = stratified_split(targets, 0.25, seed);
    const std::vector<Indices> folds = k_folds(targets, 4, seed);
    const LabelSplit labels = labels_per_class(targets, numbered(2), 3, seed);
    for (const int64_t i : split.held_out) ++held.at(size_t(i));
    for (const int64_t i : folds[0]) ++first_fold.at(size_t(i));
    for (const int64_t i : labels.labelled) ++labelled.at(size_t(i));
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] != 0) continue;
    EXPECT_NEAR(held[i], 5000, 275) << i;
    EXPECT_NEAR(first_fold[i], 5000, 275) << i;
    EXPECT_NEAR(labelled[i], 5000, 275) << i;
  }
}

TEST(Splits, OfOneSeedDoNotDependOnEachOther) {
  const Targets targets = targets_with({4000, 4000});
  const HoldoutSplit split = stratified_split(targets, 0.25, 6);
  const Indices fold = k_folds(targets, 4, 6)[0];
  const Indices labelled = labels_per_class(targets, numbered(2), 1000, 6).labelled;
  // A quarter of a quarter of 8,000, with a standard deviation of about 17.
  for (const auto& [a, b] : {std::pair{split.held_out, fold},
                             std::pair{split.held_out, labelled},
                             std::pair{fold, labelled}}) {
    Indices both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    EXPECT_NEAR(double(both.size()), 500.0, 85.0);
  }
}

// A class that nobody has seen before leaves the order within the others as it was.
TEST(Splits, OfOneClassDoNotDependOnTheOthers) {
  Targets targets = targets_with({40, 40});
  const Indices before = labels_per_class(targets, numbered(2), 7, 8).labelled;
  targets.insert(targets.end(), 30, 2);
  Indices after = labels_per_class(targets, numbered(3), 7, 8).labelled;
  ASSERT_EQ(after.size(), 21U);
  after.resize(14);  // the new samples are behind
  EXPECT_EQ(after, before);
}

TEST(Folds, HaveEachSampleOnceAndEvenShares) {
  for (const std::vector<int64_t>& counts :
       {std::vector<int64_t>{50, 50, 50}, {1000, 3, 17, 1, 8}}) {
    const Targets targets = targets_with(counts);
    for (const int64_t folds : {2, 3, 5, 10}) {
      const std::vector<Indices> parts = k_folds(targets, folds, 4);
      ASSERT_EQ(static_cast<int64_t>(parts.size()), folds);
      expect_partition(parts, targets.size());
      const auto size_order = [](auto& a, auto& b) { return a.size() < b.size(); };
      const auto [least, most] = std::minmax_element(parts.begin(), parts.end(), size_order);
      EXPECT_LE(most->size() - least->size(), 1U);
      for (size_t k = 0; k < counts.size(); ++k) {
        std::vector<int64_t> shares;
        for (const Indices& part : parts) {
          shares.push_back(counts_in(targets, part, counts.size())[k]);
        }
        const auto [low, high] = std::minmax_element(shares.begin(), shares.end());
        EXPECT_LE(*high - *low, 1) << "class " << k;
      }
    }
  }
}

TEST(Folds, LeaveUnlabelledSamplesOutAndAreEmptyBeyondTheSamples) {
  const std::vector<Indices> parts = k_folds({0, kUnlabelled, 1, kUnlabelled}, 3, 1);
  EXPECT_EQ(parts[0].size() + parts[1].size(), 2U);
  EXPECT_TRUE(parts[2].empty());
  EXPECT_EQ(k_folds({0, 1, 0, 1, 0}, 2, 7), k_folds({0, 1, 0, 1, 0}, 2, 7));
  EXPECT_NE(k_folds(targets_with({50}), 2, 7), k_folds(targets_with({50}), 2, 8));
}

TEST(Labels, KeepSoManyOfEveryClassAndLeaveTheRest) {
  Targets targets = targets_with({100, 12, 40});
  targets.insert(targets.end(), 10, kUnlabelled);
  const LabelSplit split = labels_per_class(targets, numbered(3), 12, 2);
  expect_partition({split.labelled, split.rest}, targets.size());
  EXPECT_EQ(counts_in(targets, split.labelled, 3), (std::vector<int64_t>{12, 12, 12}));
  EXPECT_EQ(split.rest.back(), 161);
}

TEST(Labels, KeptWithASmallerCountAreAmongThoseOfALarger) {
  const Targets targets = targets_with({100, 40});
  const Indices few = labels_per_class(targets, numbered(2), 4, 2).labelled;
  const Indices many = labels_per_class(targets, numbered(2), 25, 2).labelled;
  EXPECT_TRUE(std::includes(many.begin(), many.end(), few.begin(), few.end()));
}

TEST(Labels, NameTheClassThatHasTooFew) {
  const Targets targets = targets_with({100, 11, 40, 0});
  const auto refusal = [&](const std::vector<std::string>& names, int64_t count) {
    return error_text([&] { labels_per_class(targets, names, count, 2); }, ExitCode::kConfig);
  };
  EXPECT_TRUE(mentions(refusal(numbered(3), 12), {"labels_per_class", "12", "class1 has 11"}));
  EXPECT_TRUE(mentions(refusal(numbered(4), 1), {"class3 has 0"}));
}

}  // namespace
}  // namespace dtrain::data
