// What several ranks decide together: whether they still hold the same weights, and whether too
// many samples were bad.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "callbacks/bad_sample_quota.h"
#include "callbacks/replica_checker.h"
#include "dist/mpi_scope.h"
#include "tests/callbacks/training_by_hand.h"
#include "tests/support/mentions.h"
#include "tests/support/rank_threads.h"
#include "util/check.h"

namespace dtrain::callbacks {
namespace {

using testing::CapturedLog;
using testing::mentions;
using testing::TrainingByHand;

// How a training of two ranks ended: the one error that is printed, and the last step of each rank.
struct Ending {
  std::vector<std::string> errors;
  ExitCode code = ExitCode::kDone;
  std::vector<int64_t> peers;  // whom the others blame
  std::vector<int64_t> steps = {-1, -1};
};

// Notes how far a rank came.
struct StepNote : train::Callback {
  explicit StepNote(int64_t& step) : step(step) {}
  void on_step_end(const train::TrainState& state, train::Requests&) override { step = state.step; }
  int64_t& step;
};

// Trains by hand on two ranks with the callback that `make` gives for each.
template <class Make>
Ending ending_of(Make make) {
  Ending ending;
  std::mutex mutex;
  testing::failures_on_rank_threads(2, [&](const dist::ProcessGroup& group) {
    StepNote note(ending.steps[size_t(group.rank())]);
    auto callback = make(group);
    try {
      TrainingByHand().run({&note, &callback});
    } catch (const dist::PeerFailed& peer) {
      const std::lock_guard lock(mutex);
      ending.peers.push_back(peer.rank());
    } catch (const Error& error) {
      const std::lock_guard lock(mutex);
      ending.errors.push_back(error.what());
      ending.code = error.code();
    }
  });
  return ending;
}

Ending of_weights(int64_t interval, bool differ) {
  return ending_of([=](const dist::ProcessGroup& group) {
    const at::Tensor weight = at::full({3}, differ && group.rank() == 1 ? 2.0 : 1.0);
    const auto state = [weight] { return dist::NamedTensors{{"layer.weight", weight}}; };
    return ReplicaChecker(state, group, interval);
  });
}

TEST(ReplicaChecker, LetsEqualReplicasTrainToTheEnd) {
  const Ending ending = of_weights(1, false);
  EXPECT_TRUE(ending.errors.empty() && ending.peers.empty());
  EXPECT_EQ(ending.steps, (std::vector<int64_t>{12, 12}));
}

TEST(ReplicaChecker, EndsBothRanksAtTheFirstStepOfItsIntervalWithOneErrorThatNamesTheTensor) {
  const Ending ending = of_weights(4, true);
  EXPECT_EQ(ending.steps, (std::vector<int64_t>{4, 4}));
  ASSERT_EQ(ending.errors.size(), 1U);
  EXPECT_EQ(ending.code, ExitCode::kDiverged);
  EXPECT_TRUE(mentions(ending.errors[0], {"layer.weight"}));
  EXPECT_EQ(ending.peers, (std::vector<int64_t>{0}));
}

TEST(ReplicaChecker, NeverComparesByItselfWhereTheIntervalIsZero) {
  EXPECT_EQ(of_weights(0, true).steps, (std::vector<int64_t>{12, 12}));
}

// Rank 0 replaces the samples of `first`, rank 1 those of `second`, all of them in the first epoch.
Ending of_bad_samples(std::set<int64_t> first, std::set<int64_t> second, int64_t quota) {
  return ending_of([=](const dist::ProcessGroup& group) {
    const auto replaced = [=, rank = group.rank()] { return rank == 0 ? first : second; };
    return BadSampleQuota(replaced, group, quota);
  });
}

TEST(BadSampleQuota, CountsASampleOnceHoweverManyRanksHaveReplacedIt) {
  const CapturedLog log;
  const Ending ending = of_bad_samples({3, 5, 8}, {5}, 3);
  EXPECT_EQ(ending.steps, (std::vector<int64_t>{12, 12}));
  EXPECT_TRUE(mentions(log.text(), {"3 different ones so far (all ranks), of 3 allowed"}));
}

TEST(BadSampleQuota, EndsBothRanksAfterTheEpochInWhichAllTogetherExceedIt) {
  const Ending ending = of_bad_samples({3, 5}, {6, 9}, 3);
  EXPECT_EQ(ending.steps, (std::vector<int64_t>{3, 3}));
  ASSERT_EQ(ending.errors.size(), 1U);
  EXPECT_EQ(ending.code, ExitCode::kData);
  EXPECT_TRUE(mentions(ending.errors[0], {"after epoch 0", "4 different", "allows 3"}));
  EXPECT_EQ(ending.peers, (std::vector<int64_t>{0}));
}

TEST(BadSampleQuota, IsNeverUsedUpByARankThatReplacedNothing) {
  const CapturedLog log;
  EXPECT_EQ(of_bad_samples({}, {}, 0).steps, (std::vector<int64_t>{12, 12}));
  EXPECT_EQ(log.text(), "");
  EXPECT_EQ(of_bad_samples({}, {4}, 0).steps, (std::vector<int64_t>{3, 3}));
}

TEST(BadSampleQuota, IsReportedByRankZeroAlone) {
  const CapturedLog log;
  of_bad_samples({1}, {2}, 9);
  const std::string text = log.text();
  int lines = 0;
  for (size_t at = 0; (at = text.find("Replaced samples", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, TrainingByHand::kEpochs);
}

}  // namespace
}  // namespace dtrain::callbacks
