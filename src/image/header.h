// What a picture file says about itself, read without decoding and before any memory is taken.
#pragma once

#include <cstdint>
#include <span>

#include "image/format.h"

namespace dtrain::image {

struct Header {
  Format format = Format::kJpeg;
  int64_t width = 0, height = 0;  // as stored, before the orientation is applied
  int64_t channels = 0;           // 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha, or CMYK
  int64_t bits = 8;               // a channel
  int64_t orientation = 1;        // 1 .. 8, of EXIF (CIPA DC-008, tag 0x0112)
  bool progressive = false;       // a PNG: interlaced; a JPEG: all of it in each of several scans
  bool cmyk = false;
  int64_t pages = 1;       // 2 stands for any more; the first one is read
  int64_t green_bits = 8;  // 5 or 6: a BMP of 16 bits a pixel, with 5 bits of red and of blue

  // As a person sees the picture.
  bool is_turned() const { return orientation >= 5; }
  int64_t shown_width() const { return is_turned() ? height : width; }
  int64_t shown_height() const { return is_turned() ? width : height; }
};

// A file of a few kB can claim billions of pixels.
struct Limits {
  int64_t max_pixels = 100'000'000;
  // Claims above a million pixels also have to be plausible for their bytes: one colour all over
  // compresses about as far as this, photographs a hundred times less.
  int64_t max_pixels_per_byte = 400;
  // Bytes that have to be held at once however small the part that is wanted: all pixels of all
  // formats but JPEG, and all coefficients of a JPEG in several scans.
  int64_t max_memory = int64_t{160} << 20;
};

// The type is told by content, not by name. Throws BadPicture for what is no image, for
// headers that are damaged or not supported (lossless and arithmetic JPEG, TIFF of 32 bits, ...),
// and above the limits.
Header read_header(std::span<const uint8_t> bytes, const Limits& limits = {});

// Bytes that decoding holds at once however small the part that is wanted: all pixels of
// what is no JPEG, and what its decoder holds beside; all coefficients of a JPEG in several scans;
// of `all` the pixels of a JPEG too. Not what has a few rows only.
int64_t memory_to_decode(const Header& header, bool all = false);

// Throws BadPicture for a picture whose pixels, all together, take more than the limit.
void expect_room_for_all(const Header& header, const Limits& limits = {});

}  // namespace dtrain::image
