// Random erasing: Zhong et al., "Random Erasing Data Augmentation" (arXiv:1708.04896), with the
// draws of torchvision's RandomErasing.
//
// Note [Value of erased pixels]
// torchvision erases after normalisation with the value 0, which is the mean of the data set. Here
// images are still u8, so the same is the mean in u8, rounded: at most half a grey level (0.5 / 255
// / std, 0.006 for Fashion-MNIST) away from torchvision's 0 once normalised.
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

struct Rectangle {
  int64_t top = 0, left = 0, height = 0, width = 0;
};

// The rectangle to erase, or none: with probability 1 - p, and when ten tries gave none that fits
// (strictly smaller than the image in both directions).
std::optional<Rectangle> draw_erasing(const ImageShape& shape,
                                      const ErasingParameters& parameters,
                                      util::CounterRng& rng);

void erase(Image& image, const Rectangle& rectangle, const std::vector<uint8_t>& value);

}  // namespace dtrain::data
