// What travels from a data set to the trainer: one image, one sample, one batch in host memory.
#pragma once

#include <cstdint>
#include <vector>

#include "image/image.h"

namespace dtrain::data {

using image::Image;
using image::ImageShape;

// The target of a sample that nobody has labelled.
inline constexpr int64_t kUnlabelled = -1;

// One item of a data set. `id` names the sample for ever (its position in the data set, before any
// shuffling): random draws are keyed by it and predictions carry it.
//
// A data set gives either pixels or, where `encoded` is not empty, an image file, which the
// pipeline decodes as far as it needs (framing.h).
struct Sample {
  Image image;
  std::vector<uint8_t> encoded;
  int64_t target = 0;
  int64_t id = 0;
};

// One batch of this rank in host memory. `images` is (V, B, H, W, C) u8, V views of each sample, in
// a slot that the loader owns and uses again: everything here is valid until the next call of
// DataLoader::next() or start_epoch().
struct HostBatch {
  uint8_t* images = nullptr;
  int64_t views = 1;  // V
  int64_t size = 0;   // B; 0 is possible on a rank that has no share of a short last batch
  ImageShape shape;
  std::vector<int64_t> targets;  // (B)
  std::vector<int64_t> ids;      // (B)
  int64_t epoch = 0;
  int64_t index = 0;        // number of this batch within the epoch
  int64_t global_size = 0;  // samples of this batch on all ranks together (see sampler.h)

  int64_t bytes() const { return views * size * shape.bytes(); }
};

}  // namespace dtrain::data
