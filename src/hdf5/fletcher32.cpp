#include "hdf5/fletcher32.h"

#include <algorithm>
#include <cstring>

#include "util/wide.h"

namespace dtrain::hdf5 {
namespace {

constexpr size_t kWords = 352;  // a multiple of 32; of 360 and fewer the sums cannot overflow

struct Sums {
  uint32_t words, weighted;
};

// Of `n` <= kWords words: their sum, and that of each times how many words there are from it on.
// What the usual recurrence adds up to, in a form without a chain from word to word.
DTRAIN_WIDE Sums sums_of(const uint8_t* bytes, uint32_t n) {
  uint32_t words = 0, weighted = 0;
  for (uint32_t i = 0; i < n; ++i) {
    uint16_t stored;
    std::memcpy(&stored, bytes + 2 * size_t(i), 2);
    const uint32_t word = uint16_t(stored << 8 | stored >> 8);
    words += word;
    weighted += (n - i) * word;
  }
  return {words, weighted};
}

}  // namespace

uint32_t fletcher32(std::span<const uint8_t> bytes) {
  uint32_t sum1 = 0, sum2 = 0;
  const uint8_t* at = bytes.data();
  for (size_t left = bytes.size() / 2; left > 0;) {
    const size_t n = std::min(left, kWords);
    const Sums sums = sums_of(at, uint32_t(n));
    sum2 = uint32_t((sum2 + uint64_t(n) * sum1 + sums.weighted) % 65535);
    sum1 = (sum1 + sums.words) % 65535;
    at += 2 * n;
    left -= n;
  }
  return sum2 << 16 | sum1;
}

}  // namespace dtrain::hdf5
