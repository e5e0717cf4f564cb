// What holds for every picture that is read at all.
#pragma once

#include <span>

#include "image/decoder.h"
#include "tests/fuzz/fuzz_input.h"

namespace dtrain::testing {

// Small enough for a sanitizer to decode a thousand of them a second.
inline constexpr image::Limits kFuzzLimits = {
    .max_pixels = 1 << 16, .max_pixels_per_byte = 400, .max_memory = 1 << 20};

// Reads the header and decodes the whole picture and a part of it.
inline void read_picture_or_refuse(std::span<const uint8_t> bytes) {
  image::Header header;
  const bool has_header =
      read_or_refused({ExitCode::kData}, [&] { header = image::read_header(bytes, kFuzzLimits); });
  if (!has_header) return;
  read_or_refused({ExitCode::kData}, [&] {
    image::Image whole;
    image::decode_all(bytes, 3, whole);
    require(whole.shape == image::ImageShape{header.shown_height(), header.shown_width(), 3},
            "a picture is decoded to the size that its header claims");
  });
  const image::Rectangle part{header.width / 3, header.height / 4, header.width / 2, 2};
  for (const int64_t side : {1, 7}) {
    read_or_refused({ExitCode::kData}, [&] {
      image::Decoded decoded;
      image::decode(bytes, header, part, side, side, 1, /*exact=*/false, decoded);
      const image::ImageShape& shape = decoded.pixels.shape;
      require(shape.width >= 1 && shape.height >= 1, "a part has pixels");
      require((decoded.left + shape.width - 1) * decoded.reduction < header.width &&
                  (decoded.top + shape.height - 1) * decoded.reduction < header.height,
              "a part lies in the picture");
    });
  }
}

}  // namespace dtrain::testing
