// Random crop with padding and horizontal flip, as torchvision's RandomCrop(size, padding) and
// RandomHorizontalFlip have them.
#pragma once

#include <cstdint>

#include "data/sample.h"
#include "util/random.h"

namespace dtrain::data {

// kZero: black. kReflect: mirrored without repeating the edge (3 2 1 | 1 2 3 would repeat it: not
// this one, but 3 2 | 1 2 3), needs padding < height and width.
enum class PaddingMode { kZero, kReflect };

// The window that starts at (top - padding, left - padding) of `image`, of the size of `image`;
// 0 <= top, left <= 2 * padding. What lies outside is padded. Uses `scratch` for the result and
// swaps.
void shifted_crop(
    Image& image, Image& scratch, int64_t padding, int64_t top, int64_t left, PaddingMode mode);

// shifted_crop at a uniformly drawn place: two draws, top then left, each in 0 .. 2 * padding.
void random_crop(
    Image& image, Image& scratch, int64_t padding, PaddingMode mode, util::CounterRng& rng);

// Mirrors left and right, or top and bottom, in place.
void flip_horizontally(Image& image);
void flip_vertically(Image& image);

// With the given probability: one draw.
void random_flip(Image& image, double probability, util::CounterRng& rng);

}  // namespace dtrain::data
