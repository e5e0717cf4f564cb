// Draws of colour jitter, and the adjustments they stand for.
#include "data/transforms/color_jitter.h"

#include <algorithm>
#include <utility>

#include "data/transforms/photometric.h"

namespace dtrain::data {

ColorJitterParameters color_jitter(double brightness,
                                   double contrast,
                                   double saturation,
                                   double hue) {
  const auto around_one = [](double amount) {
    return JitterRange{std::max(1 - amount, 0.0), 1 + amount};
  };
  return {around_one(brightness), around_one(contrast), around_one(saturation), {-hue, hue}};
}

ColorJitterDraw draw_color_jitter(const ColorJitterParameters& parameters, util::CounterRng& rng) {
  ColorJitterDraw draw{
      {Adjustment::kBrightness, Adjustment::kContrast, Adjustment::kSaturation, Adjustment::kHue},
      {}};
  for (size_t last = 3; last > 0; --last) {
    const auto other = static_cast<size_t>(rng.below(static_cast<int64_t>(last) + 1));
    std::swap(draw.order[last], draw.order[other]);
  }
  const JitterRange ranges[] = {
      parameters.brightness, parameters.contrast, parameters.saturation, parameters.hue};
  for (size_t i = 0; i < 4; ++i) draw.factors[i] = rng.uniform(ranges[i].low, ranges[i].high);
  return draw;
}

void apply_color_jitter(Image& image, const ColorJitterDraw& draw) {
  for (const Adjustment adjustment : draw.order) {
    const double factor = draw.factors[static_cast<size_t>(adjustment)];
    if (factor == (adjustment == Adjustment::kHue ? 0.0 : 1.0)) continue;
    switch (adjustment) {
      case Adjustment::kBrightness:
        adjust_brightness(image, factor);
        break;
      case Adjustment::kContrast:
        adjust_contrast(image, factor);
        break;
      case Adjustment::kSaturation:
        adjust_saturation(image, factor);
        break;
      case Adjustment::kHue:
        adjust_hue(image, factor);
        break;
    }
  }
}

void random_color_jitter(Image& image,
                         const ColorJitterParameters& parameters,
                         util::CounterRng& rng) {
  apply_color_jitter(image, draw_color_jitter(parameters, rng));
}

}  // namespace dtrain::data
