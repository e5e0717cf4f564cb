// RandAugment (Cubuk et al., arXiv:1909.13719) and TrivialAugment Wide (Mueller and Hutter,
// arXiv:2103.10158), with torchvision's operations, magnitudes and distribution of draws.
//
//   rand_augment(image, scratch, {.operations = 2, .magnitude = 9}, rng);
#pragma once

#include <cstdint>

#include "data/sample.h"
#include "data/transforms/augment_operation.h"
#include "util/random.h"

namespace dtrain::data {

struct RandAugmentParameters {
  int64_t operations = 2;  // applied one after the other, drawn with replacement
  int64_t magnitude = 9;   // a bin: 0 .. bins - 1
  int64_t bins = 31;
  AffineOptions affine;
};

// One operation: each of the 14 of kUsualRanges without Invert is equally likely, as is either
// sign. Two draws at most.
OperationDraw draw_rand_augment(const RandAugmentParameters& parameters,
                                const ImageShape& shape,
                                util::CounterRng& rng);

void rand_augment(Image& image,
                  Image& scratch,
                  const RandAugmentParameters& parameters,
                  util::CounterRng& rng);

struct TrivialAugmentParameters {
  int64_t bins = 31;
  AffineOptions affine;
};

// One of the 14 operations of kWideRanges, one of the bins and a sign, uniformly. Three draws at
// most.
OperationDraw draw_trivial_augment_wide(const TrivialAugmentParameters& parameters,
                                        const ImageShape& shape,
                                        util::CounterRng& rng);

void trivial_augment_wide(Image& image,
                          Image& scratch,
                          const TrivialAugmentParameters& parameters,
                          util::CounterRng& rng);

}  // namespace dtrain::data
