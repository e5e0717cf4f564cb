// For each row of the result: the columns whose source lies inside, from the inverse transform, and
// then a loop over them without tests.
#include "data/transforms/affine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace dtrain::data {
namespace {

constexpr double kRadians = std::numbers::pi / 180;

// 16.16 fixed point, in 64 bits, so that no picture is too large for it.
constexpr int64_t kOne = 65536;

int64_t to_fixed(double value) { return static_cast<int64_t>(std::floor(value * kOne + 0.5)); }

int64_t floor_divide(int64_t a, int64_t b) {  // b > 0
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

struct Span {
  int64_t begin, end;
};

// The part of `span` where 0 <= start + step * x < limit.
Span inside(const Span& span, int64_t start, int64_t step, int64_t limit) {
  if (step == 0) return start >= 0 && start < limit ? span : Span{span.begin, span.begin};
  // A falling line is a rising one seen from the other end of its range.
  if (step < 0) return inside(span, limit - 1 - start, -step, limit);
  const int64_t begin = std::max(span.begin, floor_divide(-start + step - 1, step));
  const int64_t end = std::min(span.end, floor_divide(limit - 1 - start, step) + 1);
  return {std::min(begin, span.end), std::max(std::min(begin, span.end), end)};
}

template <int64_t kChannels>
void fill_pixels(uint8_t* row, const Span& span, const std::array<uint8_t, 3>& fill) {
  if (kChannels == 1 || (fill[0] == fill[1] && fill[1] == fill[2])) {
    const int64_t count = (span.end - span.begin) * kChannels;
    std::memset(row + span.begin * kChannels, fill[0], static_cast<size_t>(count));
    return;
  }
  for (int64_t x = span.begin; x < span.end; ++x) {
    std::memcpy(row + x * kChannels, fill.data(), kChannels);
  }
}

template <int64_t kChannels>
void nearest(const Image& from, Image& to, const InverseAffine& m, const AffineOptions& options) {
  const int64_t height = from.shape.height, width = from.shape.width;
  const int64_t right = to_fixed(m.a), down = to_fixed(m.d);  // steps along a row of the result
  int64_t start_x = to_fixed(m.c + m.a * 0.5 + m.b * 0.5);
  int64_t start_y = to_fixed(m.f + m.d * 0.5 + m.e * 0.5);
  const uint8_t* pixels = from.pixels.data();
  for (int64_t y = 0; y < height; ++y) {
    uint8_t* row = to.row(y);
    Span span = inside({0, width}, start_x, right, width * kOne);
    span = inside(span, start_y, down, height * kOne);
    fill_pixels<kChannels>(row, {0, span.begin}, options.fill);
    fill_pixels<kChannels>(row, {span.end, width}, options.fill);
    int64_t source_x = start_x + right * span.begin, source_y = start_y + down * span.begin;
    if (right == kOne && down == 0 && span.begin < span.end) {  // shifted as a whole
      const int64_t source = (source_y >> 16) * width + (source_x >> 16);
      std::memcpy(row + span.begin * kChannels,
                  pixels + source * kChannels,
                  static_cast<size_t>((span.end - span.begin) * kChannels));
    } else {
      for (int64_t x = span.begin; x < span.end; ++x, source_x += right, source_y += down) {
        const int64_t source = (source_y >> 16) * width + (source_x >> 16);
        std::memcpy(row + x * kChannels, pixels + source * kChannels, kChannels);
      }
    }
    start_x += to_fixed(m.b);
    start_y += to_fixed(m.e);
  }
}

double between(double first, double second, double position) {
  return first + (second - first) * position;
}

template <int64_t kChannels>
void bilinear(const Image& from, Image& to, const InverseAffine& m, const AffineOptions& options) {
  const int64_t height = from.shape.height, width = from.shape.width;
  for (int64_t y = 0; y < height; ++y) {
    uint8_t* row = to.row(y);
    const double center_y = static_cast<double>(y) + 0.5;
    for (int64_t x = 0; x < width; ++x) {
      const double center_x = static_cast<double>(x) + 0.5;
      const double source_x = m.a * center_x + m.b * center_y + m.c;
      const double source_y = m.d * center_x + m.e * center_y + m.f;
      if (source_x < 0 || source_x >= static_cast<double>(width) || source_y < 0 ||
          source_y >= static_cast<double>(height)) {
        fill_pixels<kChannels>(row, {x, x + 1}, options.fill);
        continue;
      }
      const double floor_x = std::floor(source_x - 0.5), floor_y = std::floor(source_y - 0.5);
      const double part_x = source_x - 0.5 - floor_x, part_y = source_y - 0.5 - floor_y;
      const auto left = static_cast<int64_t>(floor_x), top = static_cast<int64_t>(floor_y);
      // At the edge of the image a pixel is its own neighbour.
      const int64_t near_x = std::max<int64_t>(left, 0), far_x = std::min(left + 1, width - 1);
      const uint8_t* above = from.row(std::max<int64_t>(top, 0));
      const uint8_t* below = from.row(std::min(top + 1, height - 1));
      for (int64_t c = 0; c < kChannels; ++c) {
        const int64_t near_value = near_x * kChannels + c, far_value = far_x * kChannels + c;
        const double upper = between(above[near_value], above[far_value], part_x);
        const double lower = between(below[near_value], below[far_value], part_x);
        row[x * kChannels + c] = static_cast<uint8_t>(between(upper, lower, part_y));
      }
    }
  }
}

}  // namespace

InverseAffine inverse_affine(const AffineParameters& p, double center_x, double center_y) {
  const double angle = p.angle * kRadians;
  const double shear_x = p.shear_x * kRadians, shear_y = p.shear_y * kRadians;
  // The transform itself is rotation * shear in y * shear in x, of determinant 1.
  const double a = std::cos(angle - shear_y) / std::cos(shear_y);
  const double b =
      -std::cos(angle - shear_y) * std::tan(shear_x) / std::cos(shear_y) - std::sin(angle);
  const double d = std::sin(angle - shear_y) / std::cos(shear_y);
  const double e =
      -std::sin(angle - shear_y) * std::tan(shear_x) / std::cos(shear_y) + std::cos(angle);
  InverseAffine inverse{e, -b, 0, -d, a, 0};
  const double back_x = -center_x - p.translate_x, back_y = -center_y - p.translate_y;
  inverse.c = inverse.a * back_x + inverse.b * back_y + center_x;
  inverse.f = inverse.d * back_x + inverse.e * back_y + center_y;
  return inverse;
}

InverseAffine inverse_rotation(double angle, const ImageShape& shape) {
  double positive = std::fmod(angle, 360.0);
  if (positive < 0) positive += 360.0;
  const double turn = -(positive * kRadians);
  // To 15 decimals, as Pillow rounds: a quarter turn has exact zeros and ones.
  const auto rounded = [](double value) { return std::nearbyint(value * 1e15) / 1e15; };
  const double cosine = rounded(std::cos(turn)), sine = rounded(std::sin(turn));
  const double center_x = static_cast<double>(shape.width) / 2;
  const double center_y = static_cast<double>(shape.height) / 2;
  return {cosine,
          sine,
          cosine * -center_x + sine * -center_y + center_x,
          -sine,
          cosine,
          -sine * -center_x + cosine * -center_y + center_y};
}

void transform(Image& image,
               Image& scratch,
               const InverseAffine& inverse,
               const AffineOptions& options) {
  const bool grey = image.shape.channels == 1;
  scratch.resize(image.shape);
  if (options.interpolation == Interpolation::kNearest) {
    (grey ? nearest<1> : nearest<3>)(image, scratch, inverse, options);
  } else {
    (grey ? bilinear<1> : bilinear<3>)(image, scratch, inverse, options);
  }
  std::swap(image, scratch);
}

void affine(Image& image,
            Image& scratch,
            const AffineParameters& parameters,
            const AffineOptions& options) {
  const double center_x = static_cast<double>(image.shape.width) * 0.5;
  const double center_y = static_cast<double>(image.shape.height) * 0.5;
  transform(image, scratch, inverse_affine(parameters, center_x, center_y), options);
}

void rotate(Image& image, Image& scratch, double angle, const AffineOptions& options) {
  transform(image, scratch, inverse_rotation(angle, image.shape), options);
}

void random_rotation(Image& image,
                     Image& scratch,
                     double low,
                     double high,
                     const AffineOptions& options,
                     util::CounterRng& rng) {
  rotate(image, scratch, rng.uniform(low, high), options);
}

}  // namespace dtrain::data
