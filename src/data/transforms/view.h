// A view: one way in which a sample is shown to the network, from its picture to an image of one
// size. Training has one; semi-supervised training a weak and a strong one; test-time augmentation
// a list of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/framing.h"
#include "data/transforms/transform.h"

namespace dtrain::data {

struct View {
  std::string name;                          // for logs: "train", "strong", "flip"
  std::optional<FramingParameters> framing;  // none: images come in the size they have
  Transforms steps;
  ImageShape shape = {};  // of the images that come out; height 0: that of the data set
};

using Views = std::vector<View>;

// Of the images that a view gives.
inline ImageShape shape_of(const View& view, const ImageShape& dataset_shape) {
  return view.shape.height > 0 ? view.shape : dataset_shape;
}

// The generator of step `position` of view `number` of a list. View 0 draws as if it were alone.
inline util::CounterRng step_generator(const Transforms& steps,
                                       size_t position,
                                       int64_t number,
                                       uint64_t seed,
                                       int64_t epoch,
                                       int64_t sample) {
  const util::RandomStream stream = steps[position].stream;
  uint64_t before = 0;  // steps of the same kind
  for (size_t i = 0; i < position; ++i) before += steps[i].stream == stream ? 1 : 0;
  if (before > 0 || number > 0) seed = util::mix(seed, static_cast<uint64_t>(number), before);
  return util::CounterRng(seed, stream, epoch, sample);
}

inline void apply_steps(const Transforms& steps,
                        int64_t number,
                        uint64_t seed,
                        int64_t epoch,
                        int64_t sample,
                        Image& image,
                        Image& scratch) {
  for (size_t i = 0; i < steps.size(); ++i) {
    util::CounterRng rng = step_generator(steps, i, number, seed, epoch, sample);
    steps[i].apply(image, scratch, rng);
  }
}

}  // namespace dtrain::data
