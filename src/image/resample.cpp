// Rows first (whole source rows are summed, which is one long loop), then columns of the few rows
// that are left.
#include "image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "util/check.h"
#include "util/wide.h"

namespace dtrain::image {
namespace {

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
  axis.count.resize(static_cast<size_t>(result));
  axis.weights.assign(static_cast<size_t>(result * axis.taps), 0.0F);
  for (int64_t i = 0; i < result; ++i) {
    const double center = begin + (static_cast<double>(i) + 0.5) * scale;
    const auto low = std::max(static_cast<int64_t>(center - stretch + 0.5), first);
    const auto high = std::min(static_cast<int64_t>(center + stretch + 0.5), last);
    axis.first[static_cast<size_t>(i)] = low;
    axis.count[static_cast<size_t>(i)] = high - low;
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

// Values of a row that are summed at once, and stay in registers meanwhile.
constexpr int64_t kBlock = 32;

// sum[i] = weights[0] * from[i] + weights[1] * from[i + stride] + ... over `taps` rows; `count` is
// a multiple of kBlock.
DTRAIN_WIDE void sum_rows(const uint8_t* from,
                          int64_t stride,
                          const float* weights,
                          int64_t taps,
                          int64_t count,
                          float* sum) {
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    float block[kBlock] = {};
    for (int64_t k = 0; k < taps; ++k) {
      const uint8_t* row = from + begin + k * stride;
      for (int64_t i = 0; i < kBlock; ++i) block[i] += weights[k] * static_cast<float>(row[i]);
    }
    for (int64_t i = 0; i < kBlock; ++i) sum[begin + i] = block[i];
  }
}

// Four neighbouring values of a row: a pixel, and for RGB the first value of the next one, which is
// summed along and not used.
using Values = float __attribute__((vector_size(16)));
using Integers = int32_t __attribute__((vector_size(16)));

template <int64_t kChannels>
DTRAIN_WIDE void sum_columns(const float* row,
                             const ResampleScratch::Axis& axis,
                             int64_t begin,
                             int64_t width,
                             uint8_t* to) {
  const int64_t* first = axis.first.data();
  const int64_t* count = axis.count.data();
  const float* weights = axis.weights.data();
  for (int64_t x = 0; x < width; ++x, weights += axis.taps, to += kChannels) {
    const float* from = row + (first[x] - begin) * kChannels;
    Values sums = {0.5F, 0.5F, 0.5F, 0.5F};  // to round by cutting off
    for (int64_t k = 0; k < count[x]; ++k) {
      Values values;
      std::memcpy(&values, from + k * kChannels, sizeof values);
      sums += weights[k] * values;
    }
    // Weights are positive and their sum is 1 to a few parts in 2^24: this is below 256.
    const auto rounded = __builtin_convertvector(sums, Integers);
    for (int64_t c = 0; c < kChannels; ++c) to[c] = static_cast<uint8_t>(rounded[c]);
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
  // Columns that some pixel of the result sees, up to a whole block. Where that leads past the end
  // of the image (its last row), the rows are summed from a copy.
  const ResampleScratch::Axis& across = scratch.horizontal;
  const ResampleScratch::Axis& down = scratch.vertical;
  const int64_t begin = across.first.front();
  const int64_t values = (across.first.back() + across.count.back() - begin) * channels;
  const int64_t padded = (values + kBlock - 1) / kBlock * kBlock;
  scratch.row.resize(static_cast<size_t>(padded + kBlock));
  const int64_t stride = columns * channels;
  for (int64_t y = 0; y < height; ++y) {
    const int64_t first = down.first[static_cast<size_t>(y)];
    const int64_t taps = down.count[static_cast<size_t>(y)];
    const uint8_t* source = from.row(first) + begin * channels;
    int64_t source_stride = stride;
    if (source + (taps - 1) * stride + padded > from.pixels.data() + from.pixels.size()) {
      scratch.last_rows.assign(static_cast<size_t>(taps * padded), 0);
      for (int64_t k = 0; k < taps; ++k) {
        std::copy_n(source + k * stride, values, scratch.last_rows.data() + k * padded);
      }
      source = scratch.last_rows.data();
      source_stride = padded;
    }
    sum_rows(source,
             source_stride,
             down.weights.data() + y * down.taps,
             taps,
             padded,
             scratch.row.data());
    if (channels == 3) {
      sum_columns<3>(scratch.row.data(), across, begin, width, to.row(y));
    } else {
      sum_columns<1>(scratch.row.data(), across, begin, width, to.row(y));
    }
  }
}

}  // namespace dtrain::image
