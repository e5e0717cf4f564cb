// Crop and flip on H x W x C u8.
#include "data/transforms/geometric.h"

#include <algorithm>
#include <cmath>
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

// One row of the result: columns left .. left + count - 1 of `from`, padded.
void cut_row(const uint8_t* from,
             uint8_t* to,
             int64_t width,
             int64_t channels,
             int64_t left,
             int64_t count,
             PaddingMode mode) {
  // Columns of the result whose source lies inside.
  const int64_t begin = std::clamp<int64_t>(-left, 0, count);
  const int64_t end = std::clamp<int64_t>(width - left, begin, count);
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
  for (int64_t x = end; x < count; ++x) pad(x);
}

}  // namespace

void crop(Image& image, Image& scratch, const image::Rectangle& window, PaddingMode mode) {
  const auto [height, width, channels] = image.shape;
  const int64_t above = -window.top, below = window.top + window.height - height;
  const int64_t before = -window.left, behind = window.left + window.width - width;
  check(mode == PaddingMode::kZero ||
            (std::max(above, below) < height && std::max(before, behind) < width),
        "reflection needs an image larger than its padding");
  scratch.resize({window.height, window.width, channels});
  for (int64_t y = 0; y < window.height; ++y) {
    int64_t source = y + window.top;
    if (mode == PaddingMode::kReflect) source = reflect(source, height);
    if (source < 0 || source >= height) {
      std::memset(scratch.row(y), 0, static_cast<size_t>(window.width * channels));
    } else {
      cut_row(image.row(source), scratch.row(y), width, channels, window.left, window.width, mode);
    }
  }
  std::swap(image, scratch);
}

void shifted_crop(
    Image& image, Image& scratch, int64_t padding, int64_t top, int64_t left, PaddingMode mode) {
  const auto [height, width, channels] = image.shape;
  check(top >= 0 && left >= 0 && top <= 2 * padding && left <= 2 * padding,
        "a crop lies inside the padded image");
  crop(image, scratch, {left - padding, top - padding, width, height}, mode);
}

void random_crop(
    Image& image, Image& scratch, int64_t padding, PaddingMode mode, util::CounterRng& rng) {
  random_crop(image, scratch, image.shape.height, image.shape.width, padding, mode, rng);
}

void random_crop(Image& image,
                 Image& scratch,
                 int64_t height,
                 int64_t width,
                 int64_t padding,
                 PaddingMode mode,
                 util::CounterRng& rng) {
  const int64_t rows = image.shape.height + 2 * padding, columns = image.shape.width + 2 * padding;
  check(height <= rows && width <= columns, "a crop lies inside the padded image");
  const int64_t top = rng.below(rows - height + 1);
  const int64_t left = rng.below(columns - width + 1);
  crop(image, scratch, {left - padding, top - padding, width, height}, mode);
}

void center_crop(Image& image, Image& scratch, int64_t height, int64_t width) {
  const auto first = [](int64_t have, int64_t want) {
    if (have < want) return -((want - have) / 2);
    return static_cast<int64_t>(std::nearbyint(static_cast<double>(have - want) / 2));
  };
  const int64_t top = first(image.shape.height, height), left = first(image.shape.width, width);
  crop(image, scratch, {left, top, width, height}, PaddingMode::kZero);
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
