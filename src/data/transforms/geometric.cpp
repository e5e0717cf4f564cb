// Crop and flip on H x W x C u8.
#include "data/transforms/geometric.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "util/check.h"

namespace dtrain::data {
namespace {

// -1 -> 1, -2 -> 2, n -> n - 2, n + 1 -> n - 3
int64_t reflect(int64_t position, int64_t size) {
  if (position < 0) return -position;
  if (position >= size) return 2 * (size - 1) - position;
  return position;
}

// One row of the result: columns left .. left + width - 1 of `from`, padded.
void shift_row(const uint8_t* from,
               uint8_t* to,
               int64_t width,
               int64_t channels,
               int64_t left,
               PaddingMode mode) {
  // Columns of the result whose source lies inside.
  const int64_t begin = std::clamp<int64_t>(-left, 0, width);
  const int64_t end = std::clamp<int64_t>(width - left, begin, width);
  std::memcpy(to + begin * channels,
              from + (begin + left) * channels,
              static_cast<size_t>((end - begin) * channels));
  auto pad = [&](int64_t x) {
    for (int64_t c = 0; c < channels; ++c) {
      to[x * channels + c] =
          mode == PaddingMode::kZero ? 0 : from[reflect(x + left, width) * channels + c];
    }
  };
  for (int64_t x = 0; x < begin; ++x) pad(x);
  for (int64_t x = end; x < width; ++x) pad(x);
}

}  // namespace

void shifted_crop(
    Image& image, Image& scratch, int64_t padding, int64_t top, int64_t left, PaddingMode mode) {
  const auto [height, width, channels] = image.shape;
  check(top >= 0 && left >= 0 && top <= 2 * padding && left <= 2 * padding,
        "a crop lies inside the padded image");
  check(mode == PaddingMode::kZero || (padding < height && padding < width),
        "reflection needs an image larger than its padding");
  scratch.resize(image.shape);
  for (int64_t y = 0; y < height; ++y) {
    int64_t source = y + top - padding;
    if (mode == PaddingMode::kReflect) source = reflect(source, height);
    if (source < 0 || source >= height) {
      std::memset(scratch.row(y), 0, static_cast<size_t>(width * channels));
    } else {
      shift_row(image.row(source), scratch.row(y), width, channels, left - padding, mode);
    }
  }
  std::swap(image, scratch);
}

void random_crop(
    Image& image, Image& scratch, int64_t padding, PaddingMode mode, util::CounterRng& rng) {
  const int64_t top = rng.below(2 * padding + 1);
  const int64_t left = rng.below(2 * padding + 1);
  shifted_crop(image, scratch, padding, top, left, mode);
}

void flip_horizontally(Image& image) {
  const auto [height, width, channels] = image.shape;
  for (int64_t y = 0; y < height; ++y) {
    uint8_t* row = image.row(y);
    if (channels == 1) {
      std::reverse(row, row + width);
      continue;
    }
    for (int64_t left = 0, right = width - 1; left < right; ++left, --right) {
      std::swap_ranges(row + left * channels, row + (left + 1) * channels, row + right * channels);
    }
  }
}

void flip_vertically(Image& image) {
  const int64_t height = image.shape.height;
  for (int64_t top = 0, bottom = height - 1; top < bottom; ++top, --bottom) {
    std::swap_ranges(image.row(top), image.row(top + 1), image.row(bottom));
  }
}

void random_flip(Image& image, double probability, util::CounterRng& rng) {
  if (rng.uniform() < probability) flip_horizontally(image);
}

}  // namespace dtrain::data
