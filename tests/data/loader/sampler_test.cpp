// Plans of batches, over all small sizes.
#include "data/loader/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"

namespace dtrain::data {
namespace {

using testing::error_text;
using testing::mentions;
using Indices = std::vector<int64_t>;

constexpr int64_t kMaxSamples = 200, kMaxRanks = 6, kMaxBatch = 16;
constexpr uint64_t kSeed = 5;

Indices joined(const std::vector<EpochPlan>& ranks, int64_t k) {
  Indices all;
  for (const EpochPlan& plan : ranks) {
    const Indices part = plan.batch(k);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::vector<EpochPlan> training_plans(
    int64_t samples, int64_t batch, bool drop_last, int64_t ranks, int64_t epoch) {
  std::vector<EpochPlan> plans;
  for (int64_t r = 0; r < ranks; ++r) {
    plans.push_back(Sampler::training(samples, batch, drop_last, kSeed, {r, ranks}).plan(epoch));
  }
  return plans;
}

bool distinct_and_below(Indices indices, int64_t limit) {
  std::sort(indices.begin(), indices.end());
  return std::adjacent_find(indices.begin(), indices.end()) == indices.end() &&
         (indices.empty() || (indices.front() >= 0 && indices.back() < limit));
}

// What must hold for the training plans of all ranks; empty when it does.
std::string flaw(const std::vector<EpochPlan>& ranks, int64_t samples, int64_t batch, bool drop) {
  const auto world = static_cast<int64_t>(ranks.size());
  const int64_t global = batch * world;
  const int64_t batches = drop ? samples / global : (samples + global - 1) / global;
  Indices all;
  for (int64_t k = 0; k < batches; ++k) {
    int64_t smallest = global, largest = 0;
    for (const EpochPlan& plan : ranks) {
      if (plan.batches() != batches) return "ranks differ in their number of batches";
      if (static_cast<int64_t>(plan.batch(k).size()) != plan.size(k)) return "size() is wrong";
      smallest = std::min(smallest, plan.size(k));
      largest = std::max(largest, plan.size(k));
    }
    const Indices together = joined(ranks, k);
    if (static_cast<int64_t>(together.size()) != ranks[0].global_size(k)) {
      return "global_size() is wrong";
    }
    const bool last = k == batches - 1;
    if ((!last || drop) && (smallest != batch || largest != batch)) return "a batch is not full";
    if (largest - smallest > 1 || largest > batch) return "a short batch is shared unevenly";
    all.insert(all.end(), together.begin(), together.end());
  }
  if (!distinct_and_below(all, samples)) return "a sample comes twice";
  const int64_t expected = drop ? batches * global : samples;
  if (static_cast<int64_t>(all.size()) != expected) return "the epoch has the wrong size";
  return "";
}

TEST(TrainingSampler, PartitionsEverySizeForEveryNumberOfRanks) {
  for (int64_t samples = 1; samples <= kMaxSamples; ++samples) {
    for (int64_t ranks = 1; ranks <= kMaxRanks; ++ranks) {
      for (int64_t batch = 1; batch <= kMaxBatch; ++batch) {
        for (const bool drop : {true, false}) {
          if (drop && samples < batch * ranks) continue;
          const std::string problem =
              flaw(training_plans(samples, batch, drop, ranks, 3), samples, batch, drop);
          ASSERT_EQ(problem, "") << samples << " samples, " << ranks << " ranks x " << batch
                                 << (drop ? ", drop_last" : "");
        }
      }
    }
  }
}

TEST(TrainingSampler, GlobalBatchesDoNotDependOnTheNumberOfRanks) {
  for (int64_t samples = 12; samples <= kMaxSamples; ++samples) {
    for (const bool drop : {true, false}) {
      const auto one = training_plans(samples, 12, drop, 1, 1);
      for (const int64_t ranks : {2, 3, 4, 6}) {
        const auto many = training_plans(samples, 12 / ranks, drop, ranks, 1);
        for (int64_t k = 0; k < one[0].batches(); ++k) {
          ASSERT_EQ(joined(many, k), one[0].batch(k)) << samples << " on " << ranks;
        }
      }
    }
  }
}

TEST(TrainingSampler, EpochsAndSeedsHaveOrdersOfTheirOwnAndEachIsRepeatable) {
  const Sampler sampler = Sampler::training(100, 100, true, kSeed, {});
  const Sampler other_seed = Sampler::training(100, 100, true, kSeed + 1, {});
  EXPECT_EQ(sampler.plan(4).batch(0), sampler.plan(4).batch(0));
  EXPECT_NE(sampler.plan(4).batch(0), sampler.plan(5).batch(0));
  EXPECT_NE(sampler.plan(4).batch(0), other_seed.plan(4).batch(0));
}

TEST(TrainingSampler, DroppedSamplesChangeFromEpochToEpoch) {
  const Sampler sampler = Sampler::training(11, 10, true, kSeed, {});
  std::set<int64_t> dropped;
  for (int64_t epoch = 0; epoch < 200; ++epoch) {
    const Indices seen = sampler.plan(epoch).batch(0);
    dropped.insert(55 - std::accumulate(seen.begin(), seen.end(), int64_t{0}));
  }
  EXPECT_EQ(dropped.size(), 11u);
}

TEST(TrainingSampler, EverySampleIsEquallyLikelyAtEveryPlace) {
  constexpr int64_t kSamples = 8, kEpochs = 8000;
  std::vector<int64_t> count(kSamples * kSamples);
  const Sampler sampler = Sampler::training(kSamples, kSamples, true, kSeed, {});
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const Indices order = sampler.plan(epoch).batch(0);
    for (int64_t i = 0; i < kSamples; ++i) {
      ++count[static_cast<size_t>(order[static_cast<size_t>(i)] * kSamples + i)];
    }
  }
  // Chi-square with (8 - 1)^2 = 49 degrees of freedom: 99.9 % lie below 85.4.
  double chi = 0;
  const double expected = static_cast<double>(kEpochs) / kSamples;
  for (int64_t n : count)
    chi += (static_cast<double>(n) - expected) * (static_cast<double>(n) - expected) / expected;
  EXPECT_LT(chi, 85.4);
}

TEST(TrainingSampler, TooFewSamplesForOneBatchIsAnErrorWithTheNumbers) {
  EXPECT_TRUE(mentions(error_text(
                           [] {
                             Sampler::training(100, 64, true, kSeed, {0, 2});
                           },
                           ExitCode::kData),
                       {"100 samples", "128 (64 per rank x 2 ranks)"}));
  EXPECT_EQ(Sampler::training(100, 64, false, kSeed, {0, 2}).batches_per_epoch(), 1);
  EXPECT_TRUE(
      mentions(error_text([] { Sampler::training(0, 1, false, kSeed, {}); }, ExitCode::kData),
               {"0 samples"}));
}

TEST(EvaluationSampler, VisitsEverySampleExactlyOnceForEveryNumberOfRanks) {
  for (int64_t samples = 1; samples <= kMaxSamples; ++samples) {
    for (int64_t ranks = 1; ranks <= kMaxRanks; ++ranks) {
      for (int64_t batch = 1; batch <= kMaxBatch; ++batch) {
        Indices all;
        for (int64_t r = 0; r < ranks; ++r) {
          const EpochPlan plan = Sampler::evaluation(samples, batch, {r, ranks}).plan(0);
          for (int64_t k = 0; k < plan.batches(); ++k) {
            const Indices part = plan.batch(k);
            ASSERT_FALSE(part.empty());
            ASSERT_LE(static_cast<int64_t>(part.size()), batch);
            ASSERT_TRUE(
                std::all_of(part.begin(), part.end(), [&](int64_t i) { return i % ranks == r; }));
            all.insert(all.end(), part.begin(), part.end());
          }
        }
        ASSERT_EQ(static_cast<int64_t>(all.size()), samples);
        ASSERT_TRUE(distinct_and_below(all, samples)) << samples << " on " << ranks;
      }
    }
  }
}

TEST(EvaluationSampler, NoSamplesAreAnError) {
  EXPECT_TRUE(
      mentions(error_text([] { Sampler::evaluation(0, 8, {}); }, ExitCode::kData), {"no samples"}));
}

TEST(PredictionSampler, DealsTheBatchesOfOneRankToTheRanksInTurn) {
  for (int64_t samples = 1; samples <= kMaxSamples; samples += 7) {
    for (int64_t batch = 1; batch <= kMaxBatch; ++batch) {
      const EpochPlan alone = Sampler::prediction(samples, batch, {}).plan(0);
      for (int64_t ranks = 1; ranks <= kMaxRanks; ++ranks) {
        int64_t batches = 0;
        for (int64_t r = 0; r < ranks; ++r) {
          const EpochPlan plan = Sampler::prediction(samples, batch, {r, ranks}).plan(0);
          for (int64_t k = 0; k < plan.batches(); ++k) {
            ASSERT_EQ(plan.batch(k), alone.batch(k * ranks + r));
          }
          batches += plan.batches();
        }
        ASSERT_EQ(batches, alone.batches());
      }
      Indices all;
      for (int64_t k = 0; k < alone.batches(); ++k) {
        const Indices part = alone.batch(k);
        all.insert(all.end(), part.begin(), part.end());
      }
      Indices expected(static_cast<size_t>(samples));
      std::iota(expected.begin(), expected.end(), 0);
      ASSERT_EQ(all, expected);
    }
  }
}

}  // namespace
}  // namespace dtrain::data
