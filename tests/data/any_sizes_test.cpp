// Every data set of 1 to 1000 samples, on 1 to 6 ranks, in batches of 1 to 64: all 384,000 of them.
#include <gtest/gtest.h>

#include <vector>

#include "data/loader/sampler.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

constexpr int64_t kMaxSamples = 1000, kMaxRanks = 6, kMaxBatch = 64;

// How often each sample of an epoch is visited by any rank, and the batches that a rank has.
struct Visits {
  explicit Visits(int64_t samples) : times(static_cast<size_t>(samples), 0) {}
  void add(const EpochPlan& plan) {
    for (int64_t k = 0; k < plan.batches(); ++k) {
      const int64_t size = plan.size(k);
      for (int64_t i = 0; i < size; ++i) ++times.at(static_cast<size_t>(plan.index(k, i)));
      visited += size;
    }
    batches.push_back(plan.batches());
  }
  std::vector<uint8_t> times;
  std::vector<int64_t> batches;
  int64_t visited = 0;
};

bool all_equal(const std::vector<int64_t>& values) {
  for (const int64_t value : values) {
    if (value != values[0]) return false;
  }
  return true;
}

// Training: the same number of steps on all ranks, every sample at most once, and as many as the
// global batches hold.
bool training_is_sound(int64_t samples, int64_t ranks, int64_t batch, bool drop_last) {
  const int64_t global = ranks * batch;
  if (drop_last && samples < global) return true;  // refused, by a test of its own
  Visits visits(samples);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    visits.add(Sampler::training(samples, batch, drop_last, 9, {rank, ranks}).plan(samples % 7));
  }
  for (const uint8_t times : visits.times) {
    if (times > 1) return false;
  }
  return all_equal(visits.batches) &&
         visits.visited == (drop_last ? samples / global * global : samples);
}

// Evaluation: every sample exactly once, so that integer counts over ranks are those of one rank.
bool evaluation_is_exact(int64_t samples, int64_t ranks, int64_t batch) {
  Visits visits(samples);
  int64_t correct = 0, serial = 0;
  const auto is_correct = [](int64_t index) { return index * 2654435761 % 7 < 3; };
  for (int64_t rank = 0; rank < ranks; ++rank) {
    const EpochPlan plan = Sampler::evaluation(samples, batch, {rank, ranks}).plan(0);
    visits.add(plan);
    for (int64_t k = 0; k < plan.batches(); ++k) {
      for (int64_t i = 0; i < plan.size(k); ++i) correct += is_correct(plan.index(k, i)) ? 1 : 0;
    }
  }
  for (int64_t index = 0; index < samples; ++index) {
    serial += is_correct(index) ? 1 : 0;
    if (visits.times[static_cast<size_t>(index)] != 1) return false;
  }
  return correct == serial;
}

TEST(AnySizes, EverySampleIsTrainedOnAtMostOnceInAsManyStepsOnEveryRank) {
  for (int64_t samples = 1; samples <= kMaxSamples; ++samples) {
    for (int64_t ranks = 1; ranks <= kMaxRanks; ++ranks) {
      for (int64_t batch = 1; batch <= kMaxBatch; ++batch) {
        // Both ways of ending an epoch, in turn: each size, number of ranks and batch meets both.
        const bool drop_last = (samples + batch) % 2 == 0;
        ASSERT_TRUE(training_is_sound(samples, ranks, batch, drop_last))
            << samples << " samples, " << ranks << " ranks, batches of " << batch;
      }
    }
  }
}

TEST(AnySizes, EverySampleIsEvaluatedExactlyOnceAndCountsAreThoseOfOneRank) {
  for (int64_t samples = 1; samples <= kMaxSamples; ++samples) {
    for (int64_t ranks = 1; ranks <= kMaxRanks; ++ranks) {
      for (int64_t batch = 1; batch <= kMaxBatch; ++batch) {
        ASSERT_TRUE(evaluation_is_exact(samples, ranks, batch))
            << samples << " samples, " << ranks << " ranks, batches of " << batch;
      }
    }
  }
}

TEST(AnySizes, VirtualWorldsSeeTheSameBatchesOnAnyNumberOfRanks) {
  for (const int64_t world : {1, 5, 12}) {
    for (int64_t samples = world; samples <= 150; ++samples) {
      for (const bool drop_last : {true, false}) {
        const EpochPlan whole =
            Sampler::training(samples, 3, drop_last && samples >= 3 * world, 9, {0, 1, world})
                .plan(2);
        for (int64_t ranks = 1; ranks <= world; ++ranks) {
          std::vector<EpochPlan> plans;
          for (int64_t rank = 0; rank < ranks; ++rank) {
            plans.push_back(
                Sampler::training(
                    samples, 3, drop_last && samples >= 3 * world, 9, {rank, ranks, world})
                    .plan(2));
          }
          for (int64_t k = 0; k < whole.batches(); ++k) {
            std::vector<int64_t> joined;
            for (const EpochPlan& plan : plans) {
              const auto part = plan.batch(k);
              joined.insert(joined.end(), part.begin(), part.end());
            }
            ASSERT_EQ(joined, whole.batch(k)) << world << " " << samples << " " << ranks;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace dtrain::data
