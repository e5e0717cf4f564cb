// Counter-based random numbers: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random
// Numbers: As Easy as 1, 2, 3" (SC 2011).
//
// A counter-based generator is a pure function of (key, counter), so the numbers that belong to a
// sample depend on the seed, the epoch and the sample alone: not on the thread or the rank that
// asks, nor on what was drawn before. That is what keeps augmentation the same for any number of
// workers and ranks.
//
//   CounterRng rng(seed, RandomStream::kAugment, epoch, sample.id);
//   bool flip = rng.uniform() < 0.5;
//   int64_t top = rng.below(9);            // 0..8, each equally likely
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "util/check.h"

namespace dtrain::util {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

// The bijection itself: ten rounds, as in the paper (constants and key schedule of Random123).
inline PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  constexpr uint64_t kMul0 = 0xD2511F53, kMul1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMul0 * counter[0], product1 = kMul1 * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

// A seed for a generator of another kind (torch's), of its own for each (seed, a, b): a step and a
// rank, for example.
inline uint64_t mix(uint64_t seed, uint64_t a, uint64_t b) {
  const auto low = [](uint64_t word) { return static_cast<uint32_t>(word); };
  const auto high = [](uint64_t word) { return static_cast<uint32_t>(word >> 32); };
  const auto words = philox4x32({low(a), high(a), low(b), high(b)}, {low(seed), high(seed)});
  return static_cast<uint64_t>(words[1]) << 32 | words[0];
}

// What the numbers are for. Two purposes never share a stream, so that adding a draw to one of them
// leaves the other as it was. The values are part of reproducibility: append, never renumber.
enum class RandomStream : uint8_t { kShuffle = 0, kAugment = 1, kMix = 2, kInit = 3, kTest = 255 };

// The sequence of numbers that belongs to (seed, stream, epoch, sample). Cheap to make and to copy.
// Limits: 0 <= epoch < 2^32, 0 <= sample < 2^56, at most 2^34 words drawn.
class CounterRng {
 public:
  CounterRng(uint64_t seed, RandomStream stream, int64_t epoch, int64_t sample)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        counter_{0,
                 static_cast<uint32_t>(sample),
                 static_cast<uint32_t>(stream) << 24 | static_cast<uint32_t>(sample >> 32),
                 static_cast<uint32_t>(epoch)} {
    check(epoch >= 0 && epoch >> 32 == 0, "the epoch of a random stream is in [0, 2^32)");
    check(sample >= 0 && sample >> 56 == 0, "the sample of a random stream is in [0, 2^56)");
  }

  // A uniform word.
  uint32_t next() {
    if (used_ == 4) {
      block_ = philox4x32(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }

  uint64_t next64() {
    const uint64_t low = next();
    return static_cast<uint64_t>(next()) << 32 | low;
  }

  // Uniform in [0, 1), on the grid of 2^-53.
  double uniform() { return static_cast<double>(next64() >> 11) * 0x1.0p-53; }

  // Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  // Uniform in 0 .. bound - 1, without bias: Lemire, "Fast Random Integer Generation in an
  // Interval" (2019); the rare draw that would favour small values is rejected and repeated.
  int64_t below(int64_t bound) {
    check(bound > 0, "the bound of a random integer is positive");
    if (bound >> 32 == 0) {
      const uint32_t range = static_cast<uint32_t>(bound);
      uint64_t product = static_cast<uint64_t>(next()) * range;
      if (static_cast<uint32_t>(product) < range) {
        const uint32_t threshold = (0U - range) % range;
        while (static_cast<uint32_t>(product) < threshold) {
          product = static_cast<uint64_t>(next()) * range;
        }
      }
      return static_cast<int64_t>(product >> 32);
    }
    // Ranges of 2^32 and more are rare enough for the plain form: reject the incomplete last cycle.
    const uint64_t range = static_cast<uint64_t>(bound);
    const uint64_t threshold = (uint64_t{0} - range) % range;
    uint64_t draw = next64();
    while (draw < threshold) draw = next64();
    return static_cast<int64_t>(draw % range);
  }

 private:
  PhiloxKey key_;
  PhiloxCounter counter_;
  PhiloxCounter block_{};
  uint32_t used_ = 4;
};

// A uniformly random order of 0 .. n-1 (Fisher-Yates), the same for the same (seed, epoch, n) on
// every rank.
inline std::vector<int64_t> permutation(uint64_t seed, int64_t epoch, int64_t n) {
  check(n >= 0, "the length of a permutation is not negative");
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  CounterRng rng(seed, RandomStream::kShuffle, epoch, 0);
  for (int64_t last = n - 1; last > 0; --last) {
    std::swap(order[static_cast<size_t>(last)], order[static_cast<size_t>(rng.below(last + 1))]);
  }
  return order;
}

}  // namespace dtrain::util
