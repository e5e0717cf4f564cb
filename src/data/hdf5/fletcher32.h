// The checksum that HDF5 puts behind a chunk: Fletcher's, over big-endian 16-bit words, modulo
// 65535. (HDF5 File Format Specification 3.0, filter 3; the library's H5_checksum_fletcher32.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dtrain::data {

// The length is even, as it is for chunks of numbers of two bytes and more.
inline uint32_t fletcher32(std::span<const uint8_t> bytes) {
  constexpr size_t kWords = 360;  // as many as cannot overflow 32 bits
  uint32_t sum1 = 0, sum2 = 0;
  const uint8_t* at = bytes.data();
  for (size_t left = bytes.size() / 2; left > 0;) {
    const size_t n = std::min(left, kWords);
    // What the usual recurrence adds up to, in a form without a chain from word to word.
    uint32_t words = 0, weighted = 0;
    for (size_t i = 0; i < n; ++i) {
      const uint32_t word = uint32_t(at[2 * i]) << 8 | at[2 * i + 1];
      words += word;
      weighted += uint32_t(n - i) * word;
    }
    sum2 = uint32_t((sum2 + uint64_t(n) * sum1 + weighted) % 65535);
    sum1 = (sum1 + words) % 65535;
    at += 2 * n;
    left -= n;
  }
  return sum2 << 16 | sum1;
}

// Whether a stored sum is that of the bytes. 0 and 65535 are the same modulo 65535, and the library
// writes either.
inline bool same_fletcher32(uint32_t left, uint32_t right) {
  return (left >> 16) % 65535 == (right >> 16) % 65535 &&
         (left & 0xFFFF) % 65535 == (right & 0xFFFF) % 65535;
}

}  // namespace dtrain::data
