// Random erasing: Zhong et al., "Random Erasing Data Augmentation" (arXiv:1708.04896), with the
// draws of torchvision's RandomErasing.
//
// Note [Value of erased pixels]
// torchvision erases after normalisation, with the value 0 or with normal noise of mean 0 and
// deviation 1. Here images are still u8, so that 0 is the mean of the data set in u8, and noise is
// mean + std * noise in u8. Both are rounded, which is at most half a grey level (0.5 / 255 / std,
// 0.006 for Fashion-MNIST) once normalised; noise is also clipped to 0 .. 255, as a pixel is.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/sample.h"
#include "util/random.h"

namespace dtrain::data {

struct ErasingParameters {
  double probability = 0.5;
  double scale_low = 0.02, scale_high = 0.33;  // erased area, as a share of the image
  double ratio_low = 0.3, ratio_high = 3.3;    // height / width, drawn uniformly in its logarithm
  std::vector<uint8_t> value;                  // one per channel
};

// The rectangle to erase, or none: with probability 1 - p, and when ten tries gave none that fits
// (strictly smaller than the image in both directions).
std::optional<image::Rectangle> draw_erasing(const ImageShape& shape,
                                             const ErasingParameters& parameters,
                                             util::CounterRng& rng);

// Mode `constant`.
void erase(Image& image, const image::Rectangle& rectangle, const std::vector<uint8_t>& value);

// Normal noise of each channel as grey levels. Made once and shared by the workers.
class ErasingNoise {
 public:
  // Of pixels in [0, 1], one value per channel, as in Normalization.
  ErasingNoise(const std::vector<double>& mean, const std::vector<double>& deviation);

  int64_t channels() const { return static_cast<int64_t>(levels_.size()); }
  // The level at `share` / 65536 of the distribution, 0 <= share < 65536.
  uint8_t level(int64_t channel, uint32_t share) const {
    return levels_[static_cast<size_t>(channel)][share];
  }

 private:
  std::vector<std::vector<uint8_t>> levels_;  // the distribution's inverse in 65536 steps
};

// Mode `random`: every value of the rectangle is drawn on its own, two values with each draw.
void erase_with_noise(Image& image,
                      const image::Rectangle& rectangle,
                      const ErasingNoise& noise,
                      util::CounterRng& rng);

}  // namespace dtrain::data
