// PNG: header and whole picture. Checksums are put right after each mutation, or nearly all inputs
// would end at the first one.
#include <zlib.h>

#include <cstring>

#include "tests/fuzz/decode_checks.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* bytes, size_t size, size_t max_size);

namespace {

uint32_t big32(const uint8_t* at) {
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

void mend_checksums(uint8_t* bytes, size_t size) {
  for (size_t at = 8; size >= 12 && at <= size - 12;) {
    const size_t length = big32(bytes + at);
    if (length > size - at - 12) return;
    const auto sum = static_cast<uint32_t>(::crc32(0, bytes + at + 4, uInt(length + 4)));
    for (int i = 0; i < 4; ++i) bytes[at + 8 + length + size_t(i)] = uint8_t(sum >> (24 - 8 * i));
    at += 12 + length;
  }
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* bytes,
                                          size_t size,
                                          size_t max_size,
                                          unsigned int seed) {
  const size_t mutated = LLVMFuzzerMutate(bytes, size, max_size);
  if (seed % 16 != 0) mend_checksums(bytes, mutated);
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 8 || bytes[0] != 0x89) return 0;
  dtrain::testing::read_picture_or_refuse({bytes, size});
  return 0;
}
