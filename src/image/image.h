// An image in memory, and a rectangle of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "util/text.h"

namespace dtrain::image {

// Size of an image as it lies in memory: rows, columns, channels interleaved (H x W x C, u8).
struct ImageShape {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;

  int64_t bytes() const { return height * width * channels; }
  bool operator==(const ImageShape&) const = default;
};

// "28 x 28 x 1", for messages.
inline std::string to_string(const ImageShape& shape) {
  return util::extents({shape.height, shape.width, shape.channels});
}

// An image, H x W x C, u8, rows without gaps. Kept by a worker and filled again and again, so
// `pixels` keeps its capacity.
struct Image {
  ImageShape shape;
  std::vector<uint8_t> pixels;

  void resize(const ImageShape& new_shape) {
    shape = new_shape;
    pixels.resize(static_cast<size_t>(new_shape.bytes()));
  }
  uint8_t* row(int64_t y) { return pixels.data() + y * shape.width * shape.channels; }
  const uint8_t* row(int64_t y) const { return pixels.data() + y * shape.width * shape.channels; }
};

// A part of an image, measured from its left upper corner; edges need not lie between pixels.
struct Box {
  double left = 0, top = 0, width = 0, height = 0;
};

// Pixels left .. left + width - 1 of rows top .. top + height - 1.
struct Rectangle {
  int64_t left = 0, top = 0, width = 0, height = 0;
  bool operator==(const Rectangle&) const = default;
};

}  // namespace dtrain::image
