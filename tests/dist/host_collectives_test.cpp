// Ranks as threads over one piece of memory: also what the thread sanitizer looks at.
#include "dist/host_collectives.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <latch>
#include <memory>
#include <numeric>
#include <random>
#include <thread>

namespace dtrain::testing {
namespace {

using dist::HostCollectives;
using dist::HostFailure;
using dist::Reduction;

constexpr size_t kSlotBytes = 1024;

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<void, FreeMemory>;

Memory zeroed_memory(int64_t ranks) {
  const size_t bytes = HostCollectives::bytes_needed(ranks, kSlotBytes);
  Memory memory(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
  std::memset(memory.get(), 0, bytes);
  return memory;
}

// Runs f(collectives, rank) on a thread for each rank; returns what each threw as text.
std::vector<std::string> on_threads(int64_t ranks,
                                    dist::HostPlan plan,
                                    const std::function<void(HostCollectives&, int64_t)>& f) {
  const Memory memory = zeroed_memory(ranks);
  std::vector<std::string> failures(static_cast<size_t>(ranks));
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      dist::HostPlan mine = plan;
      mine.rank = rank;
      mine.size = ranks;
      mine.slot_bytes = kSlotBytes;
      HostCollectives collectives(memory.get(), mine);
      try {
        f(collectives, rank);
      } catch (const HostFailure& e) {
        failures[size_t(rank)] = e.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return failures;
}

void expect_no_failure(const std::vector<std::string>& failures) {
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

// Values of a rank in a round, whose sum in float depends on the order.
std::vector<float> values_of(int64_t rank, int round, size_t count) {
  std::mt19937 random(uint32_t(1000 * round + rank));
  std::uniform_real_distribution<float> wide(-1e6F, 1e6F);
  std::vector<float> values(count);
  for (float& value : values) value = wide(random) * (random() % 2 == 0 ? 1.0F : 1e-6F);
  return values;
}

std::vector<float> sum_in_rank_order(int64_t ranks, int round, size_t count) {
  std::vector<float> sum = values_of(0, round, count);
  for (int64_t rank = 1; rank < ranks; ++rank) {
    const std::vector<float> more = values_of(rank, round, count);
    for (size_t i = 0; i < count; ++i) sum[i] += more[i];
  }
  return sum;
}

void many_rounds(HostCollectives& group, int64_t rank, int64_t ranks, int rounds) {
  std::mt19937 same_on_all(7);
  for (int round = 0; round < rounds; ++round) {
    const size_t count = same_on_all() % 700;  // up to almost three slots
    const auto root = int64_t(same_on_all() % uint32_t(ranks));
    std::vector<float> values = values_of(rank, round, count);
    switch (same_on_all() % 5) {
      case 0:
        group.all_reduce(Reduction::kSum, values.data(), count);
        ASSERT_EQ(values, sum_in_rank_order(ranks, round, count)) << "round " << round;
        break;
      case 1: {
        std::vector<int64_t> numbers(count / 2, 5 * rank - round);
        group.all_reduce(Reduction::kMax, numbers.data(), numbers.size());
        ASSERT_EQ(numbers, std::vector<int64_t>(count / 2, 5 * (ranks - 1) - round));
        break;
      }
      case 2:
        group.broadcast(values.data(), count * sizeof(float), root);
        ASSERT_EQ(values, values_of(root, round, count));
        break;
      case 3: {
        std::vector<std::vector<float>> all(static_cast<size_t>(ranks), std::vector<float>(count));
        std::vector<void*> places;
        for (auto& one : all) places.push_back(one.data());
        group.all_gather(values.data(), count * sizeof(float), places);
        for (int64_t r = 0; r < ranks; ++r) {
          ASSERT_EQ(all[size_t(r)], values_of(r, round, count)) << "rank " << r;
        }
        break;
      }
      default:
        group.barrier();
    }
  }
}

TEST(HostCollectives, GiveEveryRankTheSameForOneToEightRanksInManyRounds) {
  for (int64_t ranks = 1; ranks <= 8; ++ranks) {
    for (const int spin : {0, 50}) {
      expect_no_failure(
          on_threads(ranks,
                     {.spin = std::chrono::microseconds(spin), .timeout = std::chrono::seconds(20)},
                     [&](HostCollectives& group, int64_t r) { many_rounds(group, r, ranks, 60); }));
    }
  }
}

TEST(HostCollectives, NobodyLeavesABarrierBeforeTheLastHasCome) {
  std::atomic<int> come = 0;
  expect_no_failure(on_threads(4, {}, [&](HostCollectives& group, int64_t) {
    for (int round = 1; round <= 200; ++round) {
      ++come;
      group.barrier();
      EXPECT_GE(come.load(), 4 * round);
      group.barrier();
    }
  }));
}

TEST(HostCollectives, RanksThatTakeDifferentTurnsFindOut) {
  const auto failures = on_threads(2, {}, [](HostCollectives& group, int64_t rank) {
    double value = 1;
    if (rank == 0) group.barrier();
    if (rank == 1) group.all_reduce(Reduction::kSum, &value, 1);
  });
  for (const std::string& failure : failures) {
    EXPECT_NE(failure.find("different turns"), std::string::npos) << failure;
  }
}

TEST(HostCollectives, UnequalCountsAreAnErrorThatChangesNothing) {
  const auto failures = on_threads(3, {}, [](HostCollectives& group, int64_t rank) {
    std::vector<float> values(size_t(10 + 2000 * rank), 1.0F);
    try {
      group.all_reduce(Reduction::kSum, values.data(), values.size());
    } catch (const HostFailure&) {
      for (const float value : values) EXPECT_EQ(value, 1.0F);
      throw;
    }
  });
  for (const std::string& failure : failures) {
    EXPECT_NE(failure.find("different turns"), std::string::npos) << failure;
  }
  EXPECT_NE(failures[0].find("an all-reduce of 8040 bytes"), std::string::npos) << failures[0];
}

TEST(HostCollectives, RankThatStaysAwayIsATimeout) {
  const auto failures = on_threads(
      3, {.timeout = std::chrono::milliseconds(100)}, [](HostCollectives& group, int64_t rank) {
        if (rank != 1) group.barrier();
      });
  EXPECT_NE(failures[0].find("timed out"), std::string::npos) << failures[0];
  EXPECT_EQ(failures[1], "");
  EXPECT_NE(failures[2].find("timed out"), std::string::npos) << failures[2];
}

TEST(HostCollectives, RankThatIsGoneIsNoticedLongBeforeTheTimeout) {
  std::atomic<bool> gone = false;
  const auto failures = on_threads(2,
                                   {.is_gone = [&](int64_t rank) { return rank == 1 && gone; }},
                                   [&](HostCollectives& group, int64_t rank) {
                                     group.barrier();
                                     if (rank == 1) {
                                       gone = true;
                                       return;
                                     }
                                     group.barrier();
                                   });
  EXPECT_NE(failures[0].find("member 1"), std::string::npos) << failures[0];
}

// The last round counts, also for who looks only when the other has left.
TEST(HostCollectives, RankThatLeftAfterItsLastRoundIsNoLoss) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    std::atomic<bool> gone = false;
    expect_no_failure(on_threads(2,
                                 {.is_gone = [&](int64_t rank) { return rank == 1 && gone; }},
                                 [&](HostCollectives& group, int64_t rank) {
                                   group.barrier();
                                   if (rank == 1) gone = true;
                                 }));
  }
}

TEST(HostCollectives, TimesTellWaitingFromExchanging) {
  std::latch started(1);
  expect_no_failure(on_threads(2, {}, [&](HostCollectives& group, int64_t rank) {
    group.barrier();
    const auto before = group.times();
    const auto start = std::chrono::steady_clock::now();
    if (rank == 1) {
      started.wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // late: what is measured
      return group.barrier();
    }
    started.count_down();
    group.barrier();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const double waited = group.times().waiting - before.waiting;
    EXPECT_GT(waited, 0.02);
    EXPECT_LE(waited + group.times().exchanging - before.exchanging, took.count() + 1e-6);
  }));
}

TEST(SpinTime, IsZeroWhereProcessorsAreFewerThanRanks) {
  EXPECT_GT(dist::spin_time(2, 2, 2).count(), 0);
  EXPECT_GT(dist::spin_time(2, 0, 2).count(), 0);
  EXPECT_EQ(dist::spin_time(4, 4, 2).count(), 0);
  EXPECT_EQ(dist::spin_time(2, 4, 2).count(), 0);
}

}  // namespace
}  // namespace dtrain::testing
