// Blocks made by several threads come out in order, and errors where their blocks would.
#include "util/ordered_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace dtrain::util {
namespace {

using namespace std::chrono_literals;

struct Block {
  int64_t number = -1;
  std::vector<int64_t> values;
};

void make(int64_t number, Block& block) {
  // Later blocks are ready sooner.
  if (number % 5 == 0) std::this_thread::sleep_for(200us);
  block.number = number;
  block.values.assign(size_t(number % 7), number);
}

TEST(OrderedQueue, BlocksComeInOrder) {
  for (const int64_t threads : {1, 2, 4, 9}) {
    for (const int64_t blocks : {0, 1, 3, 40}) {
      OrderedQueue<Block> queue({.count = 200, .threads = threads, .blocks = blocks}, make);
      for (int64_t i = 0; i < 200; ++i) {
        const Block* block = queue.next();
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(block->number, i);
        EXPECT_EQ(block->values, std::vector<int64_t>(size_t(i % 7), i));
      }
      EXPECT_EQ(queue.next(), nullptr);
      EXPECT_EQ(queue.next(), nullptr);
    }
  }
}

TEST(OrderedQueue, OfNoBlocksThereIsNone) {
  std::atomic<int64_t> calls{0};
  OrderedQueue<Block> queue({.count = 0, .threads = 4}, [&](int64_t, Block&) { ++calls; });
  EXPECT_EQ(queue.next(), nullptr);
  EXPECT_EQ(queue.next(), nullptr);
  EXPECT_EQ(calls, 0);
}

TEST(OrderedQueue, MoreThreadsThanBlocks) {
  OrderedQueue<Block> queue({.count = 2, .threads = 50}, make);
  EXPECT_EQ(queue.next()->number, 0);
  EXPECT_EQ(queue.next()->number, 1);
  EXPECT_EQ(queue.next(), nullptr);
}

TEST(OrderedQueue, WithoutThreadsItIsRefused) {
  EXPECT_THROW(OrderedQueue<Block>({.count = 2, .threads = 0}, make), Error);
}

TEST(OrderedQueue, TheFirstErrorInOrderIsSeenFirstAndTheOthersInTheirPlaces) {
  OrderedQueue<Block> queue({.count = 20, .threads = 4}, [](int64_t number, Block& block) {
    make(number, block);
    if (number == 7) std::this_thread::sleep_for(2ms);
    if (number == 7 || number == 8 || number == 19) {
      throw std::runtime_error(std::to_string(number));
    }
  });
  for (int64_t i = 0; i < 20; ++i) {
    if (i == 7 || i == 8 || i == 19) {
      try {
        queue.next();
        FAIL() << "block " << i << " was made";
      } catch (const std::runtime_error& error) {
        EXPECT_EQ(error.what(), std::to_string(i));
      }
    } else {
      EXPECT_EQ(queue.next()->number, i);
    }
  }
  EXPECT_EQ(queue.next(), nullptr);
}

TEST(OrderedQueue, AnErrorOfTheSizeIsOneOfItsBlock) {
  OrderedQueue<Block> queue({.count = 3,
                             .threads = 2,
                             .bytes_of = [](const Block& block) -> int64_t {
                               if (block.number == 1) throw std::runtime_error("no size");
                               return 1;
                             }},
                            make);
  EXPECT_EQ(queue.next()->number, 0);
  EXPECT_THROW(queue.next(), std::runtime_error);
  EXPECT_EQ(queue.next()->number, 2);
}

TEST(OrderedQueue, WhoLeavesEarlyWaitsForTheThreadsOnly) {
  for (const int64_t taken : {0, 1, 30}) {
    std::atomic<int64_t> begun{0}, ended{0};
    {
      OrderedQueue<Block> queue({.count = 1'000'000, .threads = 4},
                                [&](int64_t number, Block& block) {
                                  ++begun;
                                  make(number, block);
                                  ++ended;
                                });
      for (int64_t i = 0; i < taken; ++i) queue.next();
    }
    EXPECT_EQ(begun, ended);
    EXPECT_LE(begun, taken + 5);  // four threads have five blocks
  }
}

TEST(OrderedQueue, NoMoreBlocksAreBegunThanMayWait) {
  std::atomic<int64_t> begun{0};
  OrderedQueue<Block> queue({.count = 100, .threads = 3, .blocks = 6},
                            [&](int64_t number, Block& block) {
                              ++begun;
                              make(number, block);
                            });
  for (int64_t i = 0; i < 100; ++i) {
    queue.next();
    if (i % 10 == 0) std::this_thread::sleep_for(1ms);
    EXPECT_LE(begun, i + 6);
  }
  EXPECT_EQ(begun, 100);
}

TEST(OrderedQueue, BytesThatWaitAreBoundedByWhatTheThreadsHave) {
  constexpr int64_t kBytes = 100, kMost = 450, kThreads = 3;
  std::atomic<int64_t> made{0};
  OrderedQueue<Block> queue({.count = 200,
                             .threads = kThreads,
                             .blocks = 64,
                             .max_bytes = kMost,
                             .bytes_of = [](const Block&) { return kBytes; }},
                            [&](int64_t number, Block& block) {
                              make(number, block);
                              ++made;
                            });
  for (int64_t i = 0; i < 200; ++i) {
    EXPECT_EQ(queue.next()->number, i);
    if (i % 20 == 0) std::this_thread::sleep_for(2ms);
    // Those that were begun when the limit was reached, one for each thread, come on top.
    EXPECT_LE((made - i) * kBytes, kMost + kThreads * kBytes);
  }
}

TEST(OrderedQueue, ABlockAboveTheBytesIsMadeAlone) {
  OrderedQueue<Block> queue({.count = 30,
                             .threads = 4,
                             .max_bytes = 10,
                             .bytes_of = [](const Block&) { return int64_t{1000}; }},
                            make);
  for (int64_t i = 0; i < 30; ++i) EXPECT_EQ(queue.next()->number, i);
  EXPECT_EQ(queue.next(), nullptr);
}

TEST(OrderedQueue, WhatTheFunctionHoldsByValueIsEachThreadsOwn) {
  // Not synchronised: the thread sanitizer would see it shared.
  OrderedQueue<Block> queue({.count = 300, .threads = 4},
                            [calls = int64_t{0}](int64_t number, Block& block) mutable {
                              make(number, block);
                              block.values = {++calls};
                            });
  std::vector<int64_t> times(301);
  while (const Block* block = queue.next()) ++times[size_t(block->values.at(0))];
  EXPECT_EQ(std::accumulate(times.begin(), times.end(), int64_t{0}), 300);
  EXPECT_LE(*std::max_element(times.begin(), times.end()), 4);
}

TEST(OrderedQueue, ABlockIsTheTakersAndIsUsedAgain) {
  OrderedQueue<std::unique_ptr<int64_t>> queue({.count = 50, .threads = 2, .blocks = 3},
                                               [](int64_t number, std::unique_ptr<int64_t>& block) {
                                                 EXPECT_EQ(block, nullptr);
                                                 block = std::make_unique<int64_t>(number);
                                               });
  for (int64_t i = 0; i < 50; ++i) {
    const std::unique_ptr<int64_t> mine = std::move(*queue.next());
    EXPECT_EQ(*mine, i);
  }
}

}  // namespace
}  // namespace dtrain::util
