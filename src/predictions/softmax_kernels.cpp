#include "predictions/softmax_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "util/wide.h"

namespace dtrain::predictions {
namespace {

constexpr int64_t kLanes = 16;  // two vectors of AVX2, so that their latencies overlap
using Half = float __attribute__((vector_size(32), aligned(4), may_alias));  // of the lanes
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSmallest = std::numeric_limits<float>::min();

// 2^k e^r with |r| <= log(2) / 2. The polynomial is fitted to that range with the least largest
// relative error, 3e-9; log(2) is subtracted in two parts, of which the first times k is exact.
[[gnu::always_inline]] inline float exp_one(float x) {
  constexpr float kRound = 12582912;  // 1.5 * 2^23: what is added to it loses its fraction
  const float shifted = x * 1.44269504f + kRound;
  const float k = shifted - kRound;
  const float r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
  const float q = (((0.001381447f * r + 0.008368780f) * r + 0.041668394f) * r + 0.166665201f) * r +
                  0.499999934f;
  const float power = std::bit_cast<float>((std::bit_cast<uint32_t>(shifted) + 127U) << 23);
  const float value = (1 + (r + r * r * q)) * power;
  return x >= -87.336544f ? value : 0.0f;
}

// e log(2) + log(1 + f) with 1 + f between sqrt(1/2) and sqrt(2); fitted as above, 6e-9.
[[gnu::always_inline]] inline float log_one(float x) {
  constexpr uint32_t kRootOfHalf = 0x3F3504F3;
  const uint32_t bits = std::bit_cast<uint32_t>(x) - kRootOfHalf;
  const float e = float(int32_t(bits) >> 23);
  const float f = std::bit_cast<float>((bits & 0x7FFFFFU) + kRootOfHalf) - 1;
  float q = -0.076344965f;
  q = q * f + 0.127615770f;
  q = q * f - 0.131601824f;
  q = q * f + 0.142017580f;
  q = q * f - 0.166233573f;
  q = q * f + 0.200012269f;
  q = q * f - 0.250008210f;
  q = q * f + 0.333333317f;
  const float square = f * f;
  const float rest = (f * square) * q - 0.5f * square;
  const float value = (f + (rest + e * -2.12194440e-4f)) + e * 0.693359375f;
  return x >= kSmallest ? value : -kInfinity;
}

// NaN is passed over.
[[gnu::always_inline]] inline float larger(float a, float b) { return b > a ? b : a; }

DTRAIN_WIDE float largest_value(const float* row, int64_t padded) {
  Half low = Half{} - kInfinity, high = low;
  for (int64_t i = 0; i < padded; i += kLanes) {
    const Half first = *reinterpret_cast<const Half*>(row + i);
    const Half second = *reinterpret_cast<const Half*>(row + i + kLanes / 2);
    low = first > low ? first : low;
    high = second > high ? second : high;
  }
  low = high > low ? high : low;
  float top = low[0];
  for (int64_t j = 1; j < kLanes / 2; ++j) top = larger(top, low[j]);
  return top;
}

// row = exp((row - top) * scale); returns its sum.
DTRAIN_WIDE float exp_and_sum(float* row, int64_t padded, float top, float scale) {
  for (int64_t i = 0; i < padded; ++i) row[i] = exp_one((row[i] - top) * scale);
  Half low = {}, high = {};
  for (int64_t i = 0; i < padded; i += kLanes) {
    low += *reinterpret_cast<const Half*>(row + i);
    high += *reinterpret_cast<const Half*>(row + i + kLanes / 2);
  }
  low += high;
  return ((low[0] + low[4]) + (low[1] + low[5])) + ((low[2] + low[6]) + (low[3] + low[7]));
}

DTRAIN_WIDE void add_scaled(const float* row, int64_t classes, float scale, float* sums) {
  for (int64_t k = 0; k < classes; ++k) sums[k] += row[k] * scale;
}

DTRAIN_WIDE void exp_all(float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = exp_one(values[i]);
}

DTRAIN_WIDE void log_all(float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = log_one(values[i]);
}

// Adds to the classes whose logit is the largest there is; to all where there are only NaN.
void add_equal_shares(const float* logits, int64_t classes, float top, float weight, float* sums) {
  const int64_t equals = std::count(logits, logits + classes, top);
  for (int64_t k = 0; k < classes; ++k) {
    if (equals == 0 || logits[k] == top) {
      sums[k] += weight / float(equals == 0 ? classes : equals);
    }
  }
}

}  // namespace

void exp_of(std::span<float> values) { exp_all(values.data(), int64_t(values.size())); }

void log_of(std::span<float> values) { log_all(values.data(), int64_t(values.size())); }

void add_softmax(std::span<const float> logits,
                 int64_t classes,
                 float inverse_temperature,
                 float weight,
                 std::span<float> sums) {
  const int64_t padded = (classes + kLanes - 1) / kLanes * kLanes;
  std::vector<float> padded_row(size_t(padded), -kInfinity);
  float* row = padded_row.data();
  for (size_t at = 0; at < logits.size(); at += size_t(classes)) {
    const float* from = logits.data() + at;
    std::copy(from, from + classes, row);
    std::fill(row + classes, row + padded, -kInfinity);
    const float top = largest_value(row, padded);
    if (std::isinf(top)) {
      add_equal_shares(from, classes, top, weight, sums.data() + at);
      continue;
    }
    const float sum = exp_and_sum(row, padded, top, inverse_temperature);
    add_scaled(row, classes, weight / sum, sums.data() + at);
  }
}

int64_t largest_of_row(std::span<const float> row) {
  const auto classes = int64_t(row.size()), whole = classes / kLanes * kLanes;
  float top = whole > 0 ? largest_value(row.data(), whole) : row[0];
  for (int64_t k = whole; k < classes; ++k) top = larger(top, row[size_t(k)]);
  const auto found = std::find(row.begin(), row.end(), top);
  return found == row.end() ? 0 : found - row.begin();
}

}  // namespace dtrain::predictions
