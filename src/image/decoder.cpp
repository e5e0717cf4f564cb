#include "image/decoder.h"

#include <algorithm>
#include <utility>

#include "image/orientation.h"

namespace dtrain::image {

void decode(std::span<const uint8_t> bytes,
            const Header& header,
            const Rectangle& wanted,
            int64_t width,
            int64_t height,
            int64_t channels,
            bool exact,
            Decoded& decoded) {
  if (header.format == Format::kPng) return decode_png(bytes, channels, decoded);
  if (exact) return decode_jpeg(bytes, {0, 0, header.width, header.height}, 1, channels, decoded);
  int64_t reduction = 8;
  while (reduction > 1 &&
         (wanted.width < width * reduction || wanted.height < height * reduction)) {
    reduction /= 2;
  }
  decode_jpeg(bytes, wanted, reduction, channels, decoded);
}

void decode_all(std::span<const uint8_t> bytes, int64_t channels, Image& image) {
  const Header header = read_header(bytes);
  Decoded decoded;
  decode(bytes, header, {}, 0, 0, channels, /*exact=*/true, decoded);
  image = std::move(decoded.pixels);
  apply_orientation(image, header.orientation, decoded.pixels);
}

}  // namespace dtrain::image
