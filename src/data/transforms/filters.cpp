// Row by row: neighbours in a row are bytes at a fixed distance, whatever the number of channels.
#include "data/transforms/filters.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "data/transforms/pixel_loops.h"
#include "util/check.h"
#include "util/wide.h"

namespace dtrain::data {
namespace {

// smooth[i] = (the eight bytes around row[i] + 5 row[i]) / 13, rounded; sums are below 2^12, so
// that 5042 / 2^16 divides exactly. Pillow sums floats: the result is the same, as no sum lies
// half way.
DTRAIN_WIDE void smooth_row(const uint8_t* above,
                            const uint8_t* row,
                            const uint8_t* below,
                            int64_t channels,
                            int64_t begin,
                            int64_t end,
                            uint8_t* smooth) {
  for (int64_t i = begin; i < end; ++i) {
    const int64_t left = i - channels, right = i + channels;
    const auto sum =
        static_cast<uint16_t>(above[left] + above[i] + above[right] + row[left] + 5 * row[i] +
                              row[right] + below[left] + below[i] + below[right] + 6);
    smooth[i] = static_cast<uint8_t>((sum * 5042U) >> 16);
  }
}

// sum[i] += weight * row[i]
DTRAIN_WIDE void add_bytes(const uint8_t* row, float weight, int64_t count, float* sum) {
  for (int64_t i = 0; i < count; ++i) sum[i] += weight * static_cast<float>(row[i]);
}

// Values that stay in registers while the weights pass by.
constexpr int64_t kFilterBlock = 32;

// result[i] = weights[0] * sums[i] + weights[1] * sums[i + step] + ..., rounded. `sums` has room
// for whole blocks.
DTRAIN_WIDE void weigh_along(const float* sums,
                             const std::vector<float>& weights,
                             int64_t step,
                             int64_t count,
                             uint8_t* result) {
  for (int64_t begin = 0; begin < count; begin += kFilterBlock) {
    float block[kFilterBlock] = {};
    const float* from = sums + begin;
    for (const float weight : weights) {
      for (int64_t i = 0; i < kFilterBlock; ++i) block[i] += weight * from[i];
      from += step;
    }
    uint8_t rounded[kFilterBlock];
    for (int64_t i = 0; i < kFilterBlock; ++i) {
      // Adding and subtracting 2^23 rounds halves to even, as torch.round does.
      const float value = (block[i] + 0x1p23F) - 0x1p23F;
      rounded[i] = static_cast<uint8_t>(static_cast<int32_t>(std::min(value, 255.0F)));
    }
    std::copy_n(rounded, std::min(kFilterBlock, count - begin), result + begin);
  }
}

std::vector<float> gaussian_weights(int64_t kernel, double sigma) {
  std::vector<float> weights;
  float sum = 0;
  for (int64_t i = 0; i < kernel; ++i) {
    const double x = static_cast<double>(i - kernel / 2) / sigma;
    weights.push_back(static_cast<float>(std::exp(-0.5 * x * x)));
    sum += weights.back();
  }
  for (float& weight : weights) weight /= sum;
  return weights;
}

int64_t mirrored(int64_t position, int64_t size) {
  if (position < 0) return -position;
  return position < size ? position : 2 * (size - 1) - position;
}

}  // namespace

void adjust_sharpness(Image& image, Image& scratch, double factor) {
  const auto [height, width, channels] = image.shape;
  if (height < 3 || width < 3) return;
  const int64_t size = width * channels;
  scratch.resize(image.shape);
  std::copy_n(image.row(0), size, scratch.row(0));
  std::copy_n(image.row(height - 1), size, scratch.row(height - 1));
  for (int64_t y = 1; y < height - 1; ++y) {
    const uint8_t* row = image.row(y);
    uint8_t* result = scratch.row(y);
    std::copy_n(row, channels, result);
    std::copy_n(row + size - channels, channels, result + size - channels);
    smooth_row(
        image.row(y - 1), row, image.row(y + 1), channels, channels, size - channels, result);
    blend(result, row, static_cast<float>(factor), size, result);
  }
  std::swap(image, scratch);
}

void gaussian_blur(Image& image, Image& scratch, int64_t kernel, double sigma) {
  const auto [height, width, channels] = image.shape;
  const int64_t margin = kernel / 2, size = width * channels;
  check(kernel % 2 == 1 && sigma > 0, "a blur has an odd kernel and a positive sigma");
  check(margin < height && margin < width, "a blur needs an image larger than half its kernel");
  const std::vector<float> weights = gaussian_weights(kernel, sigma);
  // One row with its margins, and what a last block reads beyond them.
  std::vector<float> sums(static_cast<size_t>((width + 2 * margin) * channels + kFilterBlock));
  float* row = sums.data() + margin * channels;
  scratch.resize(image.shape);
  for (int64_t y = 0; y < height; ++y) {
    std::fill_n(row, size, 0.0F);
    for (int64_t k = 0; k < kernel; ++k) {
      const uint8_t* source = image.row(mirrored(y + k - margin, height));
      add_bytes(source, weights[static_cast<size_t>(k)], size, row);
    }
    for (int64_t x = 1; x <= margin; ++x) {
      std::copy_n(row + x * channels, channels, row - x * channels);
      std::copy_n(row + (width - 1 - x) * channels, channels, row + (width - 1 + x) * channels);
    }
    weigh_along(sums.data(), weights, channels, size, scratch.row(y));
  }
  std::swap(image, scratch);
}

void random_gaussian_blur(Image& image,
                          Image& scratch,
                          int64_t kernel,
                          double sigma_low,
                          double sigma_high,
                          util::CounterRng& rng) {
  gaussian_blur(image, scratch, kernel, rng.uniform(sigma_low, sigma_high));
}

}  // namespace dtrain::data
