// What travels from a data set to the trainer: one image, one sample, one batch in host memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dtrain::data {

// Size of an image as it lies in memory: rows, columns, channels interleaved (H x W x C, u8).
struct ImageShape {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;

  int64_t bytes() const { return height * width * channels; }
  bool operator==(const ImageShape&) const = default;
};

// "28 x 28 x 1", for messages.
inline std::string to_string(const ImageShape& shape) {
  return std::to_string(shape.height) + " x " + std::to_string(shape.width) + " x " +
         std::to_string(shape.channels);
}

// An image, H x W x C, u8, rows without gaps. Kept by a worker and filled again and again, so
// `pixels` keeps its capacity.
struct Image {
  ImageShape shape;
  std::vector<uint8_t> pixels;

  void resize(const ImageShape& new_shape) {
    shape = new_shape;
    pixels.resize(static_cast<size_t>(new_shape.bytes()));
  }
  uint8_t* row(int64_t y) { return pixels.data() + y * shape.width * shape.channels; }
  const uint8_t* row(int64_t y) const { return pixels.data() + y * shape.width * shape.channels; }
};

// One item of a data set. `id` names the sample for ever (its position in the data set, before any
// shuffling): random draws are keyed by it and predictions carry it.
struct Sample {
  Image image;
  int64_t target = 0;
  int64_t id = 0;
};

// One batch of this rank in host memory. `images` is (B, H, W, C) u8 in a slot that the loader owns
// and uses again: everything here is valid until the next call of DataLoader::next() or
// start_epoch().
struct HostBatch {
  uint8_t* images = nullptr;
  int64_t size = 0;  // B; 0 is possible on a rank that has no share of a short last batch
  ImageShape shape;
  std::vector<int64_t> targets;  // (B)
  std::vector<int64_t> ids;      // (B)
  int64_t epoch = 0;
  int64_t index = 0;        // number of this batch within the epoch
  int64_t global_size = 0;  // samples of this batch on all ranks together (see sampler.h)

  int64_t bytes() const { return size * shape.bytes(); }
};

}  // namespace dtrain::data
