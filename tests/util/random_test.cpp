// The generator against the published answers, and the properties the loader builds on.
#include "util/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace dtrain::util {
namespace {

// kat_vectors of Random123 1.14, rows "philox4x32 10".
TEST(Philox, gives_the_published_answers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Mix, gives_every_seed_and_pair_of_numbers_another_seed) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (uint64_t a = 0; a < 10; ++a) {
      for (uint64_t b = 0; b < 10; ++b) seen.insert(mix(seed, a, b << 30));
    }
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(mix(0, 0, 0), 0xe169c58d6627e8d5u);  // the first two words of the published answer
}

TEST(CounterRng, is_the_philox_blocks_in_order) {
  CounterRng rng(0x299f31d0a4093822, RandomStream::kAugment, 7, 0x1200000034);
  for (uint32_t block = 0; block < 3; ++block) {
    const auto words = philox4x32({block, 0x34, 0x01000012, 7}, {0xa4093822, 0x299f31d0});
    for (uint32_t word : words) EXPECT_EQ(rng.next(), word);
  }
}

TEST(CounterRng, gives_every_seed_stream_epoch_and_sample_its_own_numbers) {
  std::set<uint64_t> seen;
  int made = 0;
  for (uint64_t seed : {0ULL, 1ULL, 1ULL << 32}) {
    for (auto stream : {RandomStream::kShuffle, RandomStream::kAugment}) {
      for (int64_t epoch : {0, 1, 255}) {
        for (int64_t sample : {0LL, 1LL, 1LL << 32, (1LL << 56) - 1}) {
          seen.insert(CounterRng(seed, stream, epoch, sample).next64());
          ++made;
        }
      }
    }
  }
  EXPECT_EQ(static_cast<int>(seen.size()), made);
}

TEST(CounterRng, refuses_what_would_alias_another_stream) {
  EXPECT_THROW(CounterRng(1, RandomStream::kTest, -1, 0), Error);
  EXPECT_THROW(CounterRng(1, RandomStream::kTest, int64_t{1} << 32, 0), Error);
  EXPECT_THROW(CounterRng(1, RandomStream::kTest, 0, -1), Error);
  EXPECT_THROW(CounterRng(1, RandomStream::kTest, 0, int64_t{1} << 56), Error);
  EXPECT_THROW(CounterRng(1, RandomStream::kTest, 0, 0).below(0), Error);
}

TEST(CounterRng, draws_doubles_uniformly_from_the_half_open_interval) {
  CounterRng rng(42, RandomStream::kTest, 0, 0);
  const int n = 100000;
  double sum = 0, square = 0;
  for (int i = 0; i < n; ++i) {
    const double x = rng.uniform();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    sum += x;
    square += x * x;
  }
  EXPECT_NEAR(sum / n, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(square / n, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
}

TEST(CounterRng, draws_bounded_integers_without_bias) {
  CounterRng rng(42, RandomStream::kTest, 0, 1);
  const int n = 60000;
  std::vector<int> count(6);
  for (int i = 0; i < n; ++i) ++count[static_cast<size_t>(rng.below(6))];
  double chi_square = 0;
  for (int c : count) chi_square += (c - n / 6.0) * (c - n / 6.0) / (n / 6.0);
  EXPECT_LT(chi_square, 20.5);  // 5 degrees of freedom, p = 0.001

  // A bound of 3/4 of the range: plain modulo would give the first third twice the weight.
  const int64_t bound = int64_t{3} << 30;
  int low = 0;
  for (int i = 0; i < n; ++i) low += rng.below(bound) < bound / 3;
  EXPECT_NEAR(low / static_cast<double>(n), 1.0 / 3, 5 * std::sqrt(2.0 / 9 / n));
}

TEST(CounterRng, covers_bounds_beyond_32_bits) {
  CounterRng rng(42, RandomStream::kTest, 0, 2);
  const int64_t bound = int64_t{3} << 40;
  int low = 0;
  const int n = 20000;
  for (int i = 0; i < n; ++i) {
    const int64_t x = rng.below(bound);
    ASSERT_GE(x, 0);
    ASSERT_LT(x, bound);
    low += x < bound / 3;
  }
  EXPECT_NEAR(low / static_cast<double>(n), 1.0 / 3, 5 * std::sqrt(2.0 / 9 / n));
  EXPECT_EQ(rng.below(1), 0);
}

TEST(Permutation, holds_every_index_once) {
  for (int64_t n : {0, 1, 2, 7, 1000}) {
    auto order = permutation(42, 3, n);
    std::sort(order.begin(), order.end());
    ASSERT_EQ(static_cast<int64_t>(order.size()), n);
    for (int64_t i = 0; i < n; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
  }
}

TEST(Permutation, changes_with_seed_and_epoch_and_with_nothing_else) {
  EXPECT_EQ(permutation(42, 0, 100), permutation(42, 0, 100));
  EXPECT_NE(permutation(42, 0, 100), permutation(42, 1, 100));
  EXPECT_NE(permutation(42, 0, 100), permutation(43, 0, 100));
}

// Resumed runs and the committed golden runs depend on this order: it must never change.
TEST(Permutation, is_the_same_order_in_every_version) {
  EXPECT_EQ(permutation(42, 1, 10), (std::vector<int64_t>{7, 3, 4, 6, 9, 0, 8, 2, 5, 1}));
}

TEST(Permutation, reaches_all_orders_equally_often) {
  std::vector<int> count(6);
  const int n = 12000;
  for (int epoch = 0; epoch < n; ++epoch) {
    const auto p = permutation(7, epoch, 3);
    ++count[static_cast<size_t>(p[0] * 2 + (p[1] > p[2]))];
  }
  double chi_square = 0;
  for (int c : count) chi_square += (c - n / 6.0) * (c - n / 6.0) / (n / 6.0);
  EXPECT_LT(chi_square, 20.5);
}

}  // namespace
}  // namespace dtrain::util
