// Random erasing on H x W x C u8.
#include "data/transforms/erasing.h"

#include <cmath>
#include <numbers>

#include "util/check.h"

namespace dtrain::data {

using image::Rectangle;

std::optional<Rectangle> draw_erasing(const ImageShape& shape,
                                      const ErasingParameters& parameters,
                                      util::CounterRng& rng) {
  constexpr int kTries = 10;
  if (rng.uniform() >= parameters.probability) return std::nullopt;
  const auto area = static_cast<double>(shape.height * shape.width);
  const double log_low = std::log(parameters.ratio_low);
  const double log_high = std::log(parameters.ratio_high);
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double erased = area * rng.uniform(parameters.scale_low, parameters.scale_high);
    const double ratio = std::exp(rng.uniform(log_low, log_high));
    // nearbyint: halves to even, as Python's round().
    const auto height = static_cast<int64_t>(std::nearbyint(std::sqrt(erased * ratio)));
    const auto width = static_cast<int64_t>(std::nearbyint(std::sqrt(erased / ratio)));
    if (height >= shape.height || width >= shape.width) continue;
    const int64_t top = rng.below(shape.height - height + 1);
    const int64_t left = rng.below(shape.width - width + 1);
    return Rectangle{left, top, width, height};
  }
  return std::nullopt;
}

void erase(Image& image, const Rectangle& rectangle, const std::vector<uint8_t>& value) {
  const int64_t channels = image.shape.channels;
  check(static_cast<int64_t>(value.size()) == channels, "one erased value per channel");
  for (int64_t y = rectangle.top; y < rectangle.top + rectangle.height; ++y) {
    uint8_t* pixel = image.row(y) + rectangle.left * channels;
    for (int64_t x = 0; x < rectangle.width; ++x) {
      for (int64_t c = 0; c < channels; ++c) *pixel++ = value[static_cast<size_t>(c)];
    }
  }
}

ErasingNoise::ErasingNoise(const std::vector<double>& mean, const std::vector<double>& deviation) {
  constexpr double kShares = 65536;
  check(mean.size() == deviation.size(), "noise has a mean and a deviation for each channel");
  for (size_t c = 0; c < mean.size(); ++c) {
    std::vector<uint8_t>& levels = levels_.emplace_back();
    for (int level = 0; level < 255; ++level) {
      // The share of noise that is rounded to this level or a lower one.
      const double deviations = ((level + 0.5) / 255 - mean[c]) / deviation[c];
      const double share = 0.5 * std::erfc(-deviations / std::numbers::sqrt2);
      levels.resize(static_cast<size_t>(std::lround(share * kShares)), static_cast<uint8_t>(level));
    }
    levels.resize(static_cast<size_t>(kShares), 255);
  }
}

void erase_with_noise(Image& image,
                      const Rectangle& rectangle,
                      const ErasingNoise& noise,
                      util::CounterRng& rng) {
  const int64_t channels = image.shape.channels;
  check(noise.channels() == channels, "one distribution of noise per channel");
  uint32_t word = 0;
  bool fresh = false;  // the upper half of `word` has not been used
  for (int64_t y = rectangle.top; y < rectangle.top + rectangle.height; ++y) {
    uint8_t* pixel = image.row(y) + rectangle.left * channels;
    for (int64_t x = 0; x < rectangle.width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        word = fresh ? word >> 16 : rng.next();
        fresh = !fresh;
        *pixel++ = noise.level(c, word & 0xFFFF);
      }
    }
  }
}

}  // namespace dtrain::data
