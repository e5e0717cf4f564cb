// Operations on the values of pixels, as torchvision.transforms.functional has them for Pillow
// images: the same values bit for bit (see Note [As Pillow rounds]). Images of one or three
// channels, in place. Factors are 1 for the image itself.
#pragma once

#include <cstdint>

#include "data/sample.h"
#include "util/random.h"

namespace dtrain::data {

// Towards black (0) or away from it.
void adjust_brightness(Image& image, double factor);

// Towards the mean of the image's brightness, rounded (0), or away from it.
void adjust_contrast(Image& image, double factor);

// Towards grey (0) or away from it. Leaves grey images as they are.
void adjust_saturation(Image& image, double factor);

// Turns the hue by a share of the circle in [-0.5, 0.5], in steps of 1/255. Leaves grey images as
// they are.
void adjust_hue(Image& image, double turn);

// The brightness of each pixel, in all channels; keeps their number.
void to_grayscale(Image& image);

// to_grayscale with the given probability: one draw.
void random_grayscale(Image& image, double probability, util::CounterRng& rng);

// Keeps the upper `bits` of each value, 1 .. 8.
void posterize(Image& image, int64_t bits);

// Inverts values of at least `threshold`.
void solarize(Image& image, double threshold);

// Stretches each channel so that its darkest value becomes 0 and its brightest 255.
void autocontrast(Image& image);

// Makes the histogram of each channel as flat as it goes.
void equalize(Image& image);

void invert(Image& image);

}  // namespace dtrain::data
