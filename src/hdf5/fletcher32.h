// The checksum that HDF5 puts behind a chunk: Fletcher's, over big-endian 16-bit words, modulo
// 65535. (HDF5 File Format Specification 3.0, filter 3; the library's H5_checksum_fletcher32.)
#pragma once

#include <cstdint>
#include <span>

namespace dtrain::hdf5 {

// The length is even, as it is for chunks of numbers of two bytes and more.
uint32_t fletcher32(std::span<const uint8_t> bytes);

// Whether a stored sum is that of the bytes. 0 and 65535 are the same modulo 65535, and the library
// writes either.
inline bool same_fletcher32(uint32_t left, uint32_t right) {
  return (left >> 16) % 65535 == (right >> 16) % 65535 &&
         (left & 0xFFFF) % 65535 == (right & 0xFFFF) % 65535;
}

}  // namespace dtrain::hdf5
