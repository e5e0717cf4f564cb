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
  if (header.format != Format::kJpeg) return decode_other(bytes, header, channels, decoded);
  if (exact) {
    expect_room_for_all(header);
    return decode_jpeg(bytes, {0, 0, header.width, header.height}, 1, channels, decoded);
  }
  int64_t reduction = 8;
  while (reduction > 1 &&
         (wanted.width < width * reduction || wanted.height < height * reduction)) {
    reduction /= 2;
  }
  // A resize looks beyond the edge as far as a pixel of its result is wide.
  const int64_t x = (wanted.width + width - 1) / width, y = (wanted.height + height - 1) / height;
  const Rectangle seen{
      wanted.left - x, wanted.top - y, wanted.width + 2 * x, wanted.height + 2 * y};
  decode_jpeg(bytes, seen, reduction, channels, decoded);
}

void decode_all(std::span<const uint8_t> bytes, int64_t channels, Image& image) {
  const Header header = read_header(bytes);
  Decoded decoded;
  decode(bytes, header, {}, 0, 0, channels, /*exact=*/true, decoded);
  image = std::move(decoded.pixels);
  apply_orientation(image, header.orientation, decoded.pixels);
}

}  // namespace dtrain::image
