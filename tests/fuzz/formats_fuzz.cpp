// What the module decodes: header and whole image.
#include "tests/fuzz/decode_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 3 || bytes[0] == 0x89 || (bytes[0] == 0xFF && bytes[1] == 0xD8)) return 0;
  dtrain::testing::read_picture_or_refuse({bytes, size});
  return 0;
}
