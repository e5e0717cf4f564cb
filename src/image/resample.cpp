// Rows first (whole source rows are summed, which is one long loop), then columns of the few rows
// that are left.
#include "image/resample.h"

#include <algorithm>
#include <cmath>

#include "util/check.h"

namespace dtrain::image {
namespace {

// Compiled once more for processors with wider registers. Sanitizers cannot start such functions.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DTRAIN_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define DTRAIN_WIDE
#endif

// Pillow's precompute_coeffs with its bilinear filter (src/libImaging/Resample.c, of which this is
// the same arithmetic): centres of pixels at halves, support as wide as the larger pixel.
void plan_axis(int64_t first,
               int64_t last,
               double begin,
               double length,
               int64_t result,
               ResampleScratch::Axis& axis) {
  const double scale = length / static_cast<double>(result);
  const double stretch = std::max(scale, 1.0);
  axis.taps = static_cast<int64_t>(std::ceil(stretch)) * 2 + 1;
  axis.first.resize(static_cast<size_t>(result));
  axis.weights.assign(static_cast<size_t>(result * axis.taps), 0.0F);
  for (int64_t i = 0; i < result; ++i) {
    const double center = begin + (static_cast<double>(i) + 0.5) * scale;
    const auto low = std::max(static_cast<int64_t>(center - stretch + 0.5), first);
    const auto high = std::min(static_cast<int64_t>(center + stretch + 0.5), last);
    axis.first[static_cast<size_t>(i)] = low;
    float* weights = axis.weights.data() + i * axis.taps;
    double sum = 0;
    for (int64_t x = low; x < high; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) / stretch);
      const double weight = std::max(0.0, 1.0 - distance);
      weights[x - low] = static_cast<float>(weight);
      sum += weight;
    }
    for (int64_t k = 0; k < high - low; ++k) weights[k] = static_cast<float>(weights[k] / sum);
  }
}

// sum[i] (=|+=) weight * from[i]
DTRAIN_WIDE void add_row(const uint8_t* from, float weight, bool start, int64_t count, float* sum) {
  if (start) {
    for (int64_t i = 0; i < count; ++i) sum[i] = weight * static_cast<float>(from[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) sum[i] += weight * static_cast<float>(from[i]);
  }
}

uint8_t round_to_byte(float value) {
  return static_cast<uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
}

template <int64_t kChannels>
DTRAIN_WIDE void sum_columns(const float* row,
                             const ResampleScratch::Axis& axis,
                             int64_t begin,
                             int64_t width,
                             uint8_t* to) {
  for (int64_t x = 0; x < width; ++x, to += kChannels) {
    const float* weights = axis.weights.data() + x * axis.taps;
    const float* from = row + (axis.first[static_cast<size_t>(x)] - begin) * kChannels;
    float sums[kChannels] = {};
    for (int64_t k = 0; k < axis.taps; ++k) {
      for (int64_t c = 0; c < kChannels; ++c) sums[c] += weights[k] * from[k * kChannels + c];
    }
    for (int64_t c = 0; c < kChannels; ++c) to[c] = round_to_byte(sums[c]);
  }
}

}  // namespace

void resample(const Image& from,
              const Box& box,
              const Rectangle& bounds,
              int64_t height,
              int64_t width,
              Image& to,
              ResampleScratch& scratch) {
  const auto [rows, columns, channels] = from.shape;
  check(channels == 1 || channels == 3, "grey and RGB images are resized");
  check(box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0 &&
            box.left + box.width <= static_cast<double>(columns) + 1e-6 &&
            box.top + box.height <= static_cast<double>(rows) + 1e-6,
        "the box lies inside the image");
  check(bounds.left >= 0 && bounds.top >= 0 && bounds.left + bounds.width <= columns &&
            bounds.top + bounds.height <= rows,
        "the bounds lie inside the image");
  plan_axis(
      bounds.left, bounds.left + bounds.width, box.left, box.width, width, scratch.horizontal);
  plan_axis(bounds.top, bounds.top + bounds.height, box.top, box.height, height, scratch.vertical);
  to.resize({height, width, channels});
  // Columns that some pixel of the result sees; behind them zeros, for weights that are zero.
  const int64_t begin = scratch.horizontal.first.front();
  const int64_t end = std::min(columns, scratch.horizontal.first.back() + scratch.horizontal.taps);
  const int64_t values = (end - begin) * channels;
  scratch.row.assign(static_cast<size_t>(values + scratch.horizontal.taps * channels), 0.0F);
  const auto taps = scratch.vertical.taps;
  for (int64_t y = 0; y < height; ++y) {
    const float* weights = scratch.vertical.weights.data() + y * taps;
    const int64_t first = scratch.vertical.first[static_cast<size_t>(y)];
    bool start = true;
    for (int64_t k = 0; k < taps && first + k < rows; ++k) {
      if (weights[k] == 0.0F && !start) continue;
      add_row(
          from.row(first + k) + begin * channels, weights[k], start, values, scratch.row.data());
      start = false;
    }
    const auto columns_of = channels == 3 ? sum_columns<3> : sum_columns<1>;
    columns_of(scratch.row.data(), scratch.horizontal, begin, width, to.row(y));
  }
}

}  // namespace dtrain::image
