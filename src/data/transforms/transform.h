// A step of augmentation: image -> image, H x W x C u8, with randomness of its own.
//
// Note [Randomness of a step]
// A step draws from the generator keyed by (seed, stream of the step, epoch, sample id) and from
// nothing else. So a sample's augmentation is the same on any thread and any rank, and switching
// one step on or off leaves the draws of the others as they were. A step that stands twice in a
// list, and the same step in another view of the sample, get another seed (view.h).
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
inline constexpr auto kReplacementStream =
    static_cast<util::RandomStream>(68);  // sample_pipeline.h
inline constexpr auto kVerticalFlipStream = static_cast<util::RandomStream>(80);
inline constexpr auto kRotationStream = static_cast<util::RandomStream>(81);
inline constexpr auto kJitterStream = static_cast<util::RandomStream>(82);
inline constexpr auto kGrayscaleStream = static_cast<util::RandomStream>(83);
inline constexpr auto kBlurStream = static_cast<util::RandomStream>(84);
inline constexpr auto kAutoAugmentStream = static_cast<util::RandomStream>(85);
inline constexpr auto kSolarizeStream = static_cast<util::RandomStream>(86);

struct TransformStep {
  std::string name;  // for logs: "random_crop(padding=4, mode=zero)"
  util::RandomStream stream;
  // Changes `image`. `scratch` is memory of the worker that a step may fill and swap with `image`.
  std::function<void(Image& image, Image& scratch, util::CounterRng& rng)> apply;
};

// Applied front to back. Empty for evaluation.
using Transforms = std::vector<TransformStep>;

}  // namespace dtrain::data
