// Bytes of a file to pixels, grey or RGB. The only place that knows about the order of channels.
#pragma once

#include <cstdint>
#include <span>

#include "image/header.h"
#include "image/image.h"

namespace dtrain::image {

// Pixels of a part of a picture, at 1 / reduction of its size. Pixel (0, 0) of `pixels` is pixel
// (left, top) of the whole reduced picture.
struct Decoded {
  Image pixels;
  int64_t left = 0, top = 0;
  int64_t reduction = 1;  // 1, 2, 4 or 8

  // Memory for reuse stays, but not that of one huge picture: the next one may be huge too, in
  // other memory.
  void release_if_huge() {
    if (pixels.pixels.capacity() > size_t{32} << 20) pixels.pixels = {};
  }
};

// Decodes at least `wanted`, a rectangle of the stored picture, for a result of `width` x `height`
// pixels that is made from it. A JPEG is decoded around that rectangle only and at the smallest of
// the sizes 1, 1/2, 1/4, 1/8 that still has as many pixels as the result, unless `exact`: then
// whole and in full. `channels`: 1 grey, 3 RGB. CMYK is converted without a colour profile; alpha
// is dropped; of 16 bits the upper 8 are kept: as Pillow's convert("RGB") does, but for 16-bit
// grey.
//
// Throws BadPicture for damaged or incomplete pixels, and for JPEG whose many scans would take too
// long or too much memory.
void decode(std::span<const uint8_t> bytes,
            const Header& header,
            const Rectangle& wanted,
            int64_t width,
            int64_t height,
            int64_t channels,
            bool exact,
            Decoded& decoded);

// The whole picture as it is shown, with its orientation applied.
void decode_all(std::span<const uint8_t> bytes, int64_t channels, Image& image);

// One per format, and one for those of the module, which are read whole: their first page, without
// orientation. `reduction` as above. `wanted` may reach beyond the picture.
void decode_jpeg(std::span<const uint8_t> bytes,
                 const Rectangle& wanted,
                 int64_t reduction,
                 int64_t channels,
                 Decoded& decoded);
void decode_png(std::span<const uint8_t> bytes, int64_t channels, Decoded& decoded);
// Throws Error(kMissing) where the module cannot be loaded. Warns once in the life of the process
// that of several pages the first one is read.
void decode_other(std::span<const uint8_t> bytes,
                  const Header& header,
                  int64_t channels,
                  Decoded& decoded);

}  // namespace dtrain::image
