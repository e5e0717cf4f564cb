// Loops over bytes that several operations share, written for the compiler to vectorise.
//
// Note [As Pillow rounds]
// Weights learned under torchvision's augmentation have seen Pillow's rounding, so operations do
// the same arithmetic in the same precision and order. This file and others that say so are
// compiled with -ffp-contract=off: a fused multiplication and addition rounds once where Pillow
// rounds twice.
#pragma once

#include <array>
#include <cstdint>

#include "data/sample.h"

namespace dtrain::data {

// Result of an operation on single values, for each value.
using ByteTable = std::array<uint8_t, 256>;

// result[i] = from[i] + factor * (to[i] - from[i]) in float32, clipped to 0 .. 255, its fraction
// cut off: Pillow's Image.blend. factor 0 gives `from`, 1 gives `to`, beyond 1 extrapolates.
// `result` may be `from` or `to`.
void blend(const uint8_t* from, const uint8_t* to, float factor, int64_t count, uint8_t* result);

// Brightness of RGB pixels (ITU-R 601-2): 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point, as
// Pillow's convert("L").
void luma(const uint8_t* rgb, int64_t pixels, uint8_t* grey);

// R = G = B = grey.
void repeat_three_times(const uint8_t* grey, int64_t pixels, uint8_t* rgb);

// Replaces each value by the table's.
void map_bytes(uint8_t* bytes, int64_t count, const ByteTable& table);

// The same with a table for each channel; an image of one channel uses the first.
void map_channels(Image& image, const std::array<ByteTable, 3>& tables);

// Turns the hue of RGB pixels by shift / 255 of a circle: Pillow's way to HSV, where all three have
// 8 bits, and back.
void turn_hue(uint8_t* rgb, int64_t pixels, uint8_t shift);

}  // namespace dtrain::data
