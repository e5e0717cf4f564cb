// A step of augmentation: image -> image, H x W x C u8, with randomness of its own.
//
// Note [Randomness of a step]
// A step draws from the generator keyed by (seed, stream of the step, epoch, sample id) and from
// nothing else. So a sample's augmentation is the same on any thread and any rank, and switching
// one step on or off leaves the draws of the others as they were.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/sample.h"
#include "util/random.h"

namespace dtrain::data {

// Streams of the steps, part of reproducibility: append, never renumber. They stand in a range that
// util::RandomStream leaves free.
inline constexpr auto kCropStream = static_cast<util::RandomStream>(64);
inline constexpr auto kFlipStream = static_cast<util::RandomStream>(65);
inline constexpr auto kErasingStream = static_cast<util::RandomStream>(66);
inline constexpr auto kPartStream = static_cast<util::RandomStream>(67);  // framing.h

struct TransformStep {
  std::string name;  // for logs: "random_crop(padding=4, zero)"
  util::RandomStream stream;
  // Changes `image`. `scratch` is memory of the worker that a step may fill and swap with `image`.
  std::function<void(Image& image, Image& scratch, util::CounterRng& rng)> apply;
};

// Applied front to back. Empty for evaluation.
using Transforms = std::vector<TransformStep>;

inline void apply_transforms(
    const Transforms& transforms, uint64_t seed, int64_t epoch, Sample& sample, Image& scratch) {
  for (const TransformStep& step : transforms) {
    util::CounterRng rng(seed, step.stream, epoch, sample.id);
    step.apply(sample.image, scratch, rng);
  }
}

}  // namespace dtrain::data
