// Which member goes to which group.
#include "ensemble/ensemble_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "util/random.h"

namespace dtrain::ensemble {
namespace {

// Lets the groups work; `slowness` times as long as planned. Returns when each ended, and checks
// that every member was given once.
std::vector<double> ends_of(const std::vector<double>& costs,
                            const std::vector<int64_t>& groups,
                            std::vector<double> slowness = {}) {
  slowness.resize(groups.size(), 1);
  EnsemblePlan plan(costs, groups);
  std::vector<double> free(groups.size(), 0);
  std::vector<bool> over(groups.size(), false);
  std::vector<int> times(costs.size(), 0);
  while (std::find(over.begin(), over.end(), false) != over.end()) {
    size_t group = groups.size();
    for (size_t g = 0; g < groups.size(); ++g) {
      if (!over[g] && (group == groups.size() || free[g] < free[group])) group = g;
    }
    const auto member = plan.next(int64_t(group));
    if (!member) {
      over[group] = true;
      continue;
    }
    ++times[size_t(*member)];
    free[group] += slowness[group] * costs[size_t(*member)] / double(groups[group]);
  }
  EXPECT_EQ(times, std::vector<int>(costs.size(), 1));
  return free;
}

double last(const std::vector<double>& ends) { return *std::max_element(ends.begin(), ends.end()); }

TEST(EnsemblePlan, TheLongestGoesToTheLargestGroupFirst) {
  EnsemblePlan plan({1, 5, 3, 3}, {1, 2});
  EXPECT_EQ(plan.next(1), 1);
  EXPECT_EQ(plan.next(0), 2);
}

TEST(EnsemblePlan, WhoAsksFirstDoesNotGetWhatAnotherDoesSooner) {
  EnsemblePlan plan({8, 1}, {1, 4});
  EXPECT_EQ(plan.next(0), 1);
  EXPECT_EQ(plan.next(1), 0);
  EXPECT_EQ(plan.next(0), std::nullopt);
}

TEST(EnsemblePlan, DoneMembersAreNotGivenOut) {
  EnsemblePlan plan({1, 2, 3}, {1}, {false, true, false});
  EXPECT_EQ(plan.next(0), 2);
  EXPECT_EQ(plan.next(0), 0);
  EXPECT_EQ(plan.next(0), std::nullopt);
}

TEST(EnsemblePlan, AGroupThatIsEarlyTakesOver) {
  // Planned: four each, which the first group would need 14 for.
  const auto ends = ends_of(std::vector<double>(8, 1.0), {1, 1}, {3.5, 1});
  EXPECT_EQ(last(ends), 7);
}

TEST(EnsemblePlan, EndsWithinTheKnownBoundOfTheBestPossible) {
  for (int64_t round = 0; round < 500; ++round) {
    const auto draw = [&](int64_t i, int64_t below) {
      return int64_t(util::mix(1, uint64_t(round), uint64_t(i)) % uint64_t(below));
    };
    std::vector<int64_t> groups(size_t(1 + draw(0, 4)));
    for (size_t g = 0; g < groups.size(); ++g) groups[g] = 1 + draw(int64_t(1 + g), 4);
    std::vector<double> costs(size_t(1 + draw(9, 12)));
    for (size_t i = 0; i < costs.size(); ++i) costs[i] = double(1 + draw(int64_t(10 + i), 20));
    const double speed = double(std::accumulate(groups.begin(), groups.end(), int64_t{0}));
    const double fastest = double(*std::max_element(groups.begin(), groups.end()));
    const double least = std::max(std::accumulate(costs.begin(), costs.end(), 0.0) / speed,
                                  *std::max_element(costs.begin(), costs.end()) / fastest);
    // Longest first on groups of different speeds: at most twice the best (Gonzalez, Ibarra and
    // Sahni 1977).
    EXPECT_LE(last(ends_of(costs, groups)), 2 * least) << "round " << round;
  }
}

}  // namespace
}  // namespace dtrain::ensemble
