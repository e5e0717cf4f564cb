// Crops and the horizontal flip, as torchvision's RandomCrop(size, padding), CenterCrop and
// RandomHorizontalFlip have them. A crop uses `scratch` for the result and swaps.
#pragma once

#include <cstdint>

#include "data/sample.h"
#include "util/random.h"

namespace dtrain::data {

// kZero: black. kReflect: mirrored without repeating the edge (3 2 1 | 1 2 3 would repeat it: not
// this one, but 3 2 | 1 2 3), needs padding < height and width.
enum class PaddingMode { kZero, kReflect };

// The pixels of `window`, which may reach beyond the image: what lies outside is padded, with
// kReflect by less than the image's height and width.
void crop(Image& image, Image& scratch, const image::Rectangle& window, PaddingMode mode);

// The window that starts at (top - padding, left - padding) of `image`, of the size of `image`;
// 0 <= top, left <= 2 * padding.
void shifted_crop(
    Image& image, Image& scratch, int64_t padding, int64_t top, int64_t left, PaddingMode mode);

// shifted_crop at a uniformly drawn place: two draws, top then left, each in 0 .. 2 * padding.
void random_crop(
    Image& image, Image& scratch, int64_t padding, PaddingMode mode, util::CounterRng& rng);

// A window of height x width at a uniformly drawn place of the padded image, which must be at least
// as large: two draws, top then left.
void random_crop(Image& image,
                 Image& scratch,
                 int64_t height,
                 int64_t width,
                 int64_t padding,
                 PaddingMode mode,
                 util::CounterRng& rng);

// The window of height x width in the middle, half a pixel rounded to the even neighbour; around an
// image that is smaller, black.
void center_crop(Image& image, Image& scratch, int64_t height, int64_t width);

// Mirrors left and right, or top and bottom, in place.
void flip_horizontally(Image& image);
void flip_vertically(Image& image);

// With the given probability: one draw.
void random_flip(Image& image, double probability, util::CounterRng& rng);

}  // namespace dtrain::data
