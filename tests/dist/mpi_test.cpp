// The cases under mpirun, and what only MPI can show.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <sstream>

#include "dist/mpi_scope.h"
#include "dist/mpi_work_queue.h"
#include "dist/rendezvous.h"
#include "tests/dist/cases.h"
#include "tests/support/mpi_main.h"

namespace dtrain::testing {
namespace {

TEST(MpiScope, RanksKnowThemselvesAndExchangeText) {
  const auto ranks = mpi().all_gather(int64_t(mpi().rank()));
  ASSERT_EQ(int(ranks.size()), mpi().size());
  for (int r = 0; r < mpi().size(); ++r) EXPECT_EQ(ranks[size_t(r)], r);
  EXPECT_LE(mpi().local_size(), mpi().size());
  EXPECT_LT(mpi().local_rank(), mpi().local_size());
  EXPECT_FALSE(mpi().host().empty());

  const std::string mine(size_t(mpi().rank() * 70000), char('a' + mpi().rank()));
  EXPECT_EQ(mpi().broadcast(mine, mpi().size() - 1),
            std::string(size_t((mpi().size() - 1) * 70000), char('a' + mpi().size() - 1)));
  const auto all = mpi().all_gather(mine);
  for (int r = 0; r < mpi().size(); ++r) {
    EXPECT_EQ(all[size_t(r)], std::string(size_t(r * 70000), char('a' + r)));
  }
  mpi().barrier();
}

TEST(MpiScope, PartsAreScopesOfTheirOwn) {
  const auto part = mpi().split(mpi().rank() % 2);
  EXPECT_EQ(part->size(), (mpi().size() + 1 - mpi().rank() % 2) / 2);
  EXPECT_EQ(part->rank(), mpi().rank() / 2);
  EXPECT_EQ(part->host_rank(), mpi().local_rank());
  EXPECT_EQ(part->host_size(), mpi().local_size());
  // Parts may do different things at the same time.
  for (int i = 0; i <= mpi().rank() % 2; ++i) {
    const auto all = part->all_gather(int64_t(mpi().rank()));
    for (size_t r = 0; r < all.size(); ++r) EXPECT_EQ(all[r], int64_t(2 * r) + mpi().rank() % 2);
  }
  const dist::ProcessGroup group = dist::rendezvous(*part, {}, at::kCPU);
  at::Tensor sum = at::full({1}, mpi().rank(), at::kLong);
  group.all_reduce_sum(sum);
  int64_t expected = 0;
  for (int r = mpi().rank() % 2; r < mpi().size(); r += 2) expected += r;
  EXPECT_EQ(sum.item<int64_t>(), expected);
}

// As an ensemble does it: a member fails, and its group goes on with the next one.
TEST(MpiScope, APartGoesOnAfterAFailureInItsGroup) {
  const auto part = mpi().split(mpi().rank() / 2);
  for (int round = 0; round < 3; ++round) {
    bool failed = false;
    try {
      const dist::ProcessGroup group = dist::rendezvous(*part, {}, at::kCPU);
      at::Tensor one = at::ones({1});
      group.all_reduce_sum(one);
      EXPECT_EQ(one.item<float>(), float(part->size()));
      if (part->rank() == part->size() - 1) throw data_error("sample 7", "is damaged", "");
      group.all_reduce_sum(one);
    } catch (const Error& error) {
      failed = true;
    }
    EXPECT_EQ(failed, part->size() > 1 || part->rank() == 0);
    EXPECT_EQ(part->all_gather(int64_t{failed}), std::vector<int64_t>(size_t(part->size()), 1));
  }
}

TEST(MpiWorkQueue, EveryItemIsGivenToOneRank) {
  constexpr int64_t kItems = 40;
  int64_t next = 0;
  std::vector<std::string> said;
  std::vector<int64_t> mine;
  {
    dist::MpiWorkQueue queue(mpi(), [&](int64_t rank, const std::string& text) {
      said.push_back(std::to_string(rank) + " " + text);
      return std::to_string(next++);
    });
    for (;;) {
      const int64_t item = std::stoll(queue.ask("of " + std::to_string(mpi().rank())));
      if (item >= kItems) break;
      mine.push_back(item);
    }
    mpi().barrier();
  }
  std::string text;
  for (const int64_t item : mine) text += std::to_string(item) + " ";
  std::vector<int> times(kItems, 0);
  for (const std::string& part : mpi().all_gather(text)) {
    std::istringstream in(part);
    for (int64_t item = 0; in >> item;) ++times[size_t(item)];
  }
  EXPECT_EQ(times, std::vector<int>(kItems, 1));
  if (mpi().rank() != 0) return;
  EXPECT_EQ(said.size(), size_t(kItems + mpi().size()));
  for (const std::string& one : said) EXPECT_EQ(one.substr(0, 1), one.substr(one.size() - 1));
}

TEST(Together, ReturnsWhatEachRankComputed) {
  EXPECT_EQ(dist::together(mpi(), [] { return mpi().rank() * 2; }), mpi().rank() * 2);
}

TEST(Together, AllRanksThrowAndOnlyTheLowestFailingOneReports) {
  const int failing = mpi().size() - 1;
  try {
    dist::together(mpi(), [&] {
      if (mpi().rank() == failing) throw data_error("x.idx", "is cut short", "fetch it again");
    });
    FAIL() << "rank " << mpi().rank() << " went on";
  } catch (const dist::PeerFailed& e) {
    EXPECT_NE(mpi().rank(), failing);
    EXPECT_EQ(e.rank(), failing);
    EXPECT_EQ(e.code(), ExitCode::kData);
    EXPECT_EQ(e.cause(), "is cut short");
  } catch (const Error& e) {
    EXPECT_EQ(mpi().rank(), failing);
    EXPECT_EQ(e.code(), ExitCode::kData);
  }
}

TEST(Together, NestedFailureIsReportedByTheRankThatHadIt) {
  const int failing = mpi().size() - 1;
  bool reported = false;
  try {
    dist::together(mpi(), [&] {
      dist::together(mpi(), [&] {
        if (mpi().rank() == failing) throw std::runtime_error("odd");
      });
    });
  } catch (const dist::PeerFailed& e) {
    EXPECT_EQ(e.rank(), failing);
  } catch (const std::runtime_error& e) {
    reported = true;
  }
  EXPECT_EQ(reported, mpi().rank() == failing);
}

TEST(Rendezvous, NcclOnTheCpuIsRefused) {
  dist::DistConfig config;
  config.backend = "nccl";
  EXPECT_THROW(dist::rendezvous(mpi(), config, c10::kCPU), Error);
}

TEST(Rendezvous, SecondGroupDoesNotDisturbTheFirst) {
  const dist::ProcessGroup second = dist::rendezvous(mpi(), {}, c10::kCPU);
  collectives_give_every_rank_the_same_result(second);
  collectives_give_every_rank_the_same_result(world());
}

TEST(ProcessGroup, CollectivesGiveEveryRankTheSameResult) {
  collectives_give_every_rank_the_same_result(world());
}
TEST(ProcessGroup, SumsInMemoryAreInRankOrder) { sums_in_memory_are_in_rank_order(world()); }
TEST(ProcessGroup, LargeSumsInMemoryAreInRankOrder) {
  large_sums_in_memory_are_in_rank_order(world());
}
TEST(ProcessGroup, MemoryAndGlooGiveTheSame) {
  dist::DistConfig config;
  config.shared_memory = "off";
  memory_and_gloo_give_the_same(world(), dist::rendezvous(mpi(), config, c10::kCPU));
}
TEST(ProcessGroup, SharesMemoryJustWhenItsRanksShareAHost) {
  EXPECT_EQ(world().shares_memory(), mpi().size() > 1 && mpi().local_size() == mpi().size());
}
TEST(ProcessGroup, SplitGroupsWorkOnTheirOwn) { split_groups_work_on_their_own(world()); }
TEST(GradientReducer, EqualsOneProcessOnTheWholeBatch) {
  reducer_equals_one_process_on_the_whole_batch(world());
}
TEST(OrderedReducer, AddsShardsInTheirOrder) {
  ordered_reducer_adds_shards_in_their_order(world());
}

TEST(GradientReducer, BucketsStartWhileBackwardGoesOn) {
  buckets_start_while_backward_goes_on(world());
}

TEST(GradientReducer, NoSyncAddsUpMicroBatches) { no_sync_adds_up_micro_batches(world()); }
TEST(GradientReducer, ResumedRunIsBitIdentical) { resumed_reduction_is_bit_identical(world()); }
TEST(BufferAverage, BuffersThatDifferBecomeTheirMean) {
  buffers_that_differ_become_their_mean(world());
}
TEST(ParameterSync, BroadcastMakesReplicasEqual) { broadcast_makes_replicas_equal(world()); }
TEST(ParameterSync, FlippedBitIsFoundAndItsRankNamed) { flipped_bit_is_found(world()); }
TEST(SyncBatchNorm, EqualsOneProcessOnTheWholeBatch) {
  sync_batch_norm_equals_one_process_on_the_whole_batch(world());
}
TEST(SyncBatchNorm, TakesUnevenAndEmptyBatches) {
  sync_batch_norm_takes_uneven_and_empty_batches(world());
}
TEST(SyncBatchNorm, WorksInSubGroups) { sync_batch_norm_works_in_sub_groups(world()); }
TEST(SyncBatchNorm, KeepsStatisticsOfSixteenBitInputInFloat) {
  sync_batch_norm_keeps_statistics_of_sixteen_bit_input_in_float(world());
}
TEST(SyncBatchNorm, DoesNotCommunicateInEvaluation) {
  sync_batch_norm_does_not_communicate_in_evaluation(world());
}
TEST(SyncBatchNorm, RefusesOneValueInTheWholeGroup) {
  sync_batch_norm_refuses_one_value_in_the_whole_group(world());
}

}  // namespace
}  // namespace dtrain::testing
