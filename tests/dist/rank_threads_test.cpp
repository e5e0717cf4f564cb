// The cases with ranks as threads, and failures that a launcher would interfere with.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <latch>

#include "dist/gradient_reducer.h"
#include "dist/rendezvous.h"
#include "tests/dist/cases.h"
#include "tests/support/rank_threads.h"

namespace dtrain::testing {
namespace {

using std::chrono::milliseconds;

TEST(ProcessGroup, CollectivesGiveEveryRankTheSameResult) {
  for (const int64_t ranks : {1, 2, 3}) {
    on_rank_threads(ranks, collectives_give_every_rank_the_same_result);
  }
}

TEST(ProcessGroup, SplitGroupsWorkOnTheirOwn) {
  for (const int64_t ranks : {1, 3}) on_rank_threads(ranks, split_groups_work_on_their_own);
}

// Runs f on three ranks and returns their errors, all of which must say kRetry; only the lowest
// rank that still runs reports, the others know that it does.
std::vector<std::string> retry_errors(milliseconds timeout,
                                      const std::function<void(const dist::ProcessGroup&)>& f,
                                      int64_t reporter) {
  const auto failures = failures_on_rank_threads(3, f, timeout);
  std::vector<std::string> texts;
  for (size_t rank = 0; rank < failures.size(); ++rank) {
    texts.emplace_back();
    if (!failures[rank]) continue;
    try {
      std::rethrow_exception(failures[rank]);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kRetry);
      const auto* peer = dynamic_cast<const dist::PeerFailed*>(&e);
      EXPECT_EQ(peer == nullptr, int64_t(rank) == reporter);
      EXPECT_EQ(peer == nullptr ? reporter : peer->rank(), reporter);
      texts.back() = e.what();
    }
  }
  return texts;
}

TEST(ProcessGroup, TimeoutNamesTheOperationAndTheRankThatStayedAway) {
  std::latch others_failed(2);
  const auto texts = retry_errors(
      milliseconds(1000),
      [&](const dist::ProcessGroup& group) {
        if (group.rank() == 2) return others_failed.wait();
        at::Tensor values = at::ones({1000});
        try {
          group.all_reduce_sum(values);
        } catch (...) {
          others_failed.count_down();
          throw;
        }
      },
      0);
  EXPECT_TRUE(texts[0].starts_with("all-reduce: rank 2 did not take part within 1 s")) << texts[0];
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[2], "");
}

TEST(ProcessGroup, PeerThatLeftIsNoticedAtOnceAndNamed) {
  const auto start = std::chrono::steady_clock::now();
  const auto texts = retry_errors(
      milliseconds(60000),
      [](const dist::ProcessGroup& group) {
        if (group.rank() == 0) return;  // closes its connections
        at::Tensor values = at::ones({1000});
        group.all_reduce_sum(values);
      },
      1);
  EXPECT_NE(texts[1].find("the connection to rank 0 was lost"), std::string::npos) << texts[1];
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(ProcessGroup, FailureInASplitGroupNamesRanksOfTheFirstGroup) {
  const auto texts = retry_errors(
      milliseconds(60000),
      [](const dist::ProcessGroup& group) {
        const dist::ProcessGroup part = group.split(group.rank() == 0);
        if (group.rank() != 1) return;
        part.barrier();
      },
      1);
  EXPECT_NE(texts[1].find("barrier: the connection to rank 2 was lost"), std::string::npos)
      << texts[1];
}

TEST(ProcessGroup, SumsInMemoryAreInRankOrder) {
  for (const int64_t ranks : {2, 3, 5}) {
    on_rank_threads(ranks, [](const dist::ProcessGroup& group) {
      EXPECT_TRUE(group.shares_memory());
      sums_in_memory_are_in_rank_order(group);
      large_sums_in_memory_are_in_rank_order(group);
    });
  }
}

TEST(ProcessGroup, SubGroupsShareMemoryOfTheirOwn) {
  on_rank_threads(4, [](const dist::ProcessGroup& group) {
    const dist::ProcessGroup part = group.split(group.rank() / 2), control = group.control_group();
    EXPECT_TRUE(part.shares_memory());
    EXPECT_TRUE(control.shares_memory());
    EXPECT_FALSE(group.split(group.rank()).shares_memory());  // alone
    sums_in_memory_are_in_rank_order(part);
    sums_in_memory_are_in_rank_order(control);
  });
}

TEST(ProcessGroup, RanksThatTakeDifferentTurnsAreToldSo) {
  const auto texts = retry_errors(
      milliseconds(60000),
      [](const dist::ProcessGroup& group) {
        at::Tensor values = at::ones({1000});
        if (group.rank() == 2) return group.barrier();
        group.all_reduce_sum(values);
      },
      0);
  EXPECT_NE(texts[0].find("not in the same place, rank 2 was in barrier"), std::string::npos)
      << texts[0];
}

TEST(ProcessGroup, SmallMessagesOfUnequalSizeAreAnError) {
  const auto texts = retry_errors(
      milliseconds(60000),
      [](const dist::ProcessGroup& group) {
        at::Tensor values = at::ones({10 + group.rank()});
        group.all_reduce_sum(values);
      },
      0);
  EXPECT_NE(texts[0].find("different turns: member 1 is in an all-reduce of 44 bytes"),
            std::string::npos)
      << texts[0];
}

TEST(ProcessGroup, UnreachablePeersAreAnErrorOfConnecting) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  store->setTimeout(milliseconds(500));
  const dist::Transport transport{
      .interfaces = {"lo"}, .timeout = milliseconds(500), .roll_call = milliseconds(100)};
  try {
    dist::ProcessGroup(store, 0, 2, transport);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kRetry);
    EXPECT_EQ(e.subject(), "connecting the ranks");
    EXPECT_NE(e.cause().find("rank 1"), std::string::npos) << e.what();
  }
}

TEST(GradientReducer, EqualsOneProcessOnTheWholeBatch) {
  for (const int64_t ranks : {1, 2, 3}) {
    on_rank_threads(ranks, reducer_equals_one_process_on_the_whole_batch);
  }
}

TEST(GradientReducer, BucketsStartWhileBackwardGoesOn) {
  on_rank_threads(2, buckets_start_while_backward_goes_on);
}

TEST(GradientReducer, NoSyncAddsUpMicroBatches) {
  on_rank_threads(2, no_sync_adds_up_micro_batches);
}

TEST(OrderedReducer, AddsShardsInTheirOrderForAnyNumberOfRanks) {
  for (const int64_t ranks : {1, 2, 3, 4, 7}) {
    on_rank_threads(ranks, ordered_reducer_adds_shards_in_their_order);
  }
}

TEST(GradientReducer, ResumedRunIsBitIdenticalOnThreeRanks) {
  on_rank_threads(3, resumed_reduction_is_bit_identical);
}

TEST(GradientReducer, PeerLostDuringBackwardIsAnErrorToRetry) {
  const auto texts = retry_errors(
      milliseconds(60000),
      [](const dist::ProcessGroup& group) {
        std::vector<at::Tensor> parameters = {at::ones({1000}).requires_grad_()};
        dist::GradientReducer reducer(parameters, {"p"}, group, {});
        if (group.rank() == 1) return;
        reducer.prepare_forward();
        reducer.backward(parameters[0].sum());
      },
      0);
  EXPECT_NE(texts[0].find("gradient all-reduce: the connection to rank 1"), std::string::npos)
      << texts[0];
}

TEST(BufferAverage, BuffersThatDifferBecomeTheirMean) {
  on_rank_threads(3, buffers_that_differ_become_their_mean);
}

TEST(ParameterSync, BroadcastMakesReplicasEqual) {
  on_rank_threads(3, broadcast_makes_replicas_equal);
}

TEST(ParameterSync, FlippedBitIsFoundAndItsRankNamed) { on_rank_threads(3, flipped_bit_is_found); }

TEST(SyncBatchNorm, EqualsOneProcessOnTheWholeBatch) {
  on_rank_threads(2, sync_batch_norm_equals_one_process_on_the_whole_batch);
}

TEST(SyncBatchNorm, TakesUnevenAndEmptyBatches) {
  on_rank_threads(3, sync_batch_norm_takes_uneven_and_empty_batches);
}

uint32_t address(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

TEST(Rendezvous, ChoosesTheFirstSubnetOnWhichAllHostsHaveAnAddressOfTheirOwn) {
  const uint32_t mask = 0xffffff00;
  const std::vector<std::vector<dist::detail::HostNetwork>> hosts = {
      {{"docker0", address(172, 17, 0, 1), mask},
       {"eth0", address(10, 0, 0, 1), mask},
       {"ib0", address(10, 1, 0, 1), mask}},
      {{"docker0", address(172, 17, 0, 1), mask},
       {"eno1", address(192, 168, 0, 2), mask},
       {"ib1", address(10, 1, 0, 2), mask}},
  };
  EXPECT_EQ(dist::detail::common_interfaces(hosts), (std::vector<std::string>{"ib0", "ib1"}));
  EXPECT_TRUE(dist::detail::common_interfaces({hosts[0], {}}).empty());
}

}  // namespace
}  // namespace dtrain::testing
