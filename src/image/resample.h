// Resizing with antialiasing, as Pillow's Image.resize(size, BILINEAR, box) and torchvision's
// antialiased resize have it: a triangle filter that is as wide as the pixels of the result.
#pragma once

#include <cstdint>
#include <vector>

#include "image/image.h"

namespace dtrain::image {

// Memory that a worker keeps between calls.
struct ResampleScratch {
  struct Axis {
    std::vector<int64_t> first;  // source pixel of the first weight, for each pixel of the result
    std::vector<int64_t> count;  // of its weights
    std::vector<float> weights;  // `taps` of them each, zeros behind
    int64_t taps = 0;
  };
  Axis horizontal, vertical;
  std::vector<float> row;
  std::vector<uint8_t> last_rows;
};

// Resizes `box` of `from` to `height` x `width`. Pixels near the edge of the result also see what
// lies outside of the box, as after resizing the whole image, but only inside of `bounds`: with the
// box's own rectangle, the result is that of cropping first. Sums in float32 and rounds once, where
// Pillow rounds to 8 bits between the two directions: they differ by one level at most, in a few
// pixels.
void resample(const Image& from,
              const Box& box,
              const Rectangle& bounds,
              int64_t height,
              int64_t width,
              Image& to,
              ResampleScratch& scratch);

}  // namespace dtrain::image
