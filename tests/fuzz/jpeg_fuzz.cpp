// JPEG: header, whole picture and parts.
#include "tests/fuzz/decode_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 2 || bytes[0] != 0xFF) return 0;
  dtrain::testing::read_picture_or_refuse({bytes, size});
  return 0;
}
