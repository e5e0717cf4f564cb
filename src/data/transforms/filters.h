// Operations that look at the pixels around each pixel, as torchvision.transforms.functional has
// them for Pillow images. Images of one or three channels; `scratch` takes the result and is
// swapped with `image`.
#pragma once

#include <cstdint>

#include "data/sample.h"
#include "util/random.h"

namespace dtrain::data {

// Towards the image smoothed by Pillow's ImageFilter.SMOOTH (0) or away from it; 1 is the image
// itself. Pixels at the edge stay as they are. Bit for bit as Pillow.
void adjust_sharpness(Image& image, Image& scratch, double factor);

// Gaussian blur with `kernel` x `kernel` weights, an odd number, and mirrored edges (3 2 | 1 2 3):
// torchvision's, summed in float32 by columns and rows, where torchvision sums the square at once:
// a value half way between two levels may be rounded to the other one. Needs kernel / 2 < height
// and width.
void gaussian_blur(Image& image, Image& scratch, int64_t kernel, double sigma);

// gaussian_blur with sigma uniform in [sigma_low, sigma_high): one draw, as torchvision's
// GaussianBlur.
void random_gaussian_blur(Image& image,
                          Image& scratch,
                          int64_t kernel,
                          double sigma_low,
                          double sigma_high,
                          util::CounterRng& rng);

}  // namespace dtrain::data
