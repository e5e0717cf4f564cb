// What a picture says about itself, of any size.
#include "image/header.h"
#include "tests/fuzz/fuzz_input.h"

using dtrain::ExitCode;
using dtrain::testing::require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  dtrain::testing::read_or_refused({ExitCode::kData}, [&] {
    const dtrain::image::Limits limits;
    const dtrain::image::Header header = dtrain::image::read_header({bytes, size}, limits);
    require(header.width > 0 && header.height > 0, "a picture has pixels");
    require(header.width <= limits.max_pixels / header.height, "no claim is above the limit");
    require(header.orientation >= 1 && header.orientation <= 8, "there are eight orientations");
    require(header.channels >= 1 && header.channels <= 4, "there are one to four channels");
  });
  return 0;
}
