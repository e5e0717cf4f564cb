// Draws of operations.
#include "data/transforms/rand_augment.h"

#include "util/check.h"

namespace dtrain::data {
namespace {

double with_random_sign(Operation operation, double magnitude, util::CounterRng& rng) {
  return info(operation).is_signed && rng.below(2) == 1 ? -magnitude : magnitude;
}

}  // namespace

OperationDraw draw_rand_augment(const RandAugmentParameters& parameters,
                                const ImageShape& shape,
                                util::CounterRng& rng) {
  constexpr auto kCount = static_cast<int64_t>(kUsualRanges.size()) - 1;  // Invert is the last
  const MagnitudeRange& range = kUsualRanges[static_cast<size_t>(rng.below(kCount))];
  const double magnitude = magnitude_of(range, parameters.magnitude, parameters.bins, shape);
  return {range.operation, with_random_sign(range.operation, magnitude, rng)};
}

void rand_augment(Image& image,
                  Image& scratch,
                  const RandAugmentParameters& parameters,
                  util::CounterRng& rng) {
  for (int64_t i = 0; i < parameters.operations; ++i) {
    apply(image, scratch, draw_rand_augment(parameters, image.shape, rng), parameters.affine);
  }
}

OperationDraw draw_trivial_augment_wide(const TrivialAugmentParameters& parameters,
                                        const ImageShape& shape,
                                        util::CounterRng& rng) {
  constexpr auto kCount = static_cast<int64_t>(kWideRanges.size());
  const MagnitudeRange& range = kWideRanges[static_cast<size_t>(rng.below(kCount))];
  if (range.unit == MagnitudeUnit::kNone) return {range.operation, 0};
  const int64_t bin = rng.below(parameters.bins);
  const double magnitude = magnitude_of(range, bin, parameters.bins, shape);
  return {range.operation, with_random_sign(range.operation, magnitude, rng)};
}

void trivial_augment_wide(Image& image,
                          Image& scratch,
                          const TrivialAugmentParameters& parameters,
                          util::CounterRng& rng) {
  const OperationDraw draw = draw_trivial_augment_wide(parameters, image.shape, rng);
  apply(image, scratch, draw, parameters.affine);
}

}  // namespace dtrain::data
