// A budget of bytes among threads.
#include "util/byte_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace dtrain::util {
namespace {

TEST(ByteBudget, ThreadsNeverHoldMoreThanTheLimitTogether) {
  constexpr int64_t kLimit = 100;
  ByteBudget budget(kLimit);
  std::atomic<int64_t> held{0}, most{0};
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < 2000; ++i) {
        const int64_t bytes = (t * 31 + i * 17) % (kLimit + 1);
        const auto share = budget.take(bytes);
        const int64_t now = held += bytes;
        for (int64_t seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        held -= bytes;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most, kLimit);
}

TEST(ByteBudget, MoreThanTheLimitIsGivenAlone) {
  ByteBudget budget(10);
  std::atomic<int64_t> holders{0}, given{0}, in_company{0};
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < 500; ++i) {
        const bool is_more = (t + i) % 2 == 0;
        const auto share = budget.take(is_more ? 1000 : 3);
        const int64_t now = ++holders;
        given += is_more ? 1 : 0;
        in_company += is_more && now > 1 ? 1 : 0;
        --holders;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(given, 4 * 250);
  EXPECT_EQ(in_company, 0);
}

}  // namespace
}  // namespace dtrain::util
