// Colour jitter, as torchvision's ColorJitter: brightness, contrast, saturation and hue, each by a
// factor drawn uniformly from its range, in an order drawn anew for each image.
//
//   const ColorJitterParameters parameters = color_jitter(0.4, 0.4, 0.4, 0.1);
//   random_color_jitter(image, parameters, rng);
#pragma once

#include <array>
#include <cstdint>

#include "data/sample.h"
#include "util/random.h"

namespace dtrain::data {

struct JitterRange {
  double low = 0, high = 0;
};

// The adjustments of photometric.h, by the numbers that torchvision's permutation has for them.
enum class Adjustment : uint8_t { kBrightness = 0, kContrast = 1, kSaturation = 2, kHue = 3 };

// A range of the neutral value alone (1, for the hue 0) switches its adjustment off.
struct ColorJitterParameters {
  JitterRange brightness{1, 1}, contrast{1, 1}, saturation{1, 1};
  JitterRange hue{0, 0};  // within [-0.5, 0.5]
};

// Ranges from amounts: [1 - amount, 1 + amount], not below 0; for the hue [-amount, amount].
ColorJitterParameters color_jitter(double brightness,
                                   double contrast,
                                   double saturation,
                                   double hue);

struct ColorJitterDraw {
  std::array<Adjustment, 4> order;
  std::array<double, 4> factors;  // by Adjustment
};

// Seven draws, whichever adjustments are on: the order, then the four factors.
ColorJitterDraw draw_color_jitter(const ColorJitterParameters& parameters, util::CounterRng& rng);

// Adjustments by a neutral factor are left out.
void apply_color_jitter(Image& image, const ColorJitterDraw& draw);

void random_color_jitter(Image& image,
                         const ColorJitterParameters& parameters,
                         util::CounterRng& rng);

}  // namespace dtrain::data
