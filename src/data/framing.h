// From a picture of any size to an image of the network's size: which part of it, and resized.
//
// Note [One pass over a picture]
// The part is chosen from the picture's header, before it is decoded. Then only that part is
// decoded, no larger than needed (image/decoder.h), resized once, and turned last of all, when
// there is least to turn. torchvision decodes, crops and resizes the whole picture one after the
// other.
#pragma once

#include <cstdint>

#include "data/sample.h"
#include "image/decoder.h"
#include "image/resample.h"
#include "util/random.h"

namespace dtrain::data {

struct FramingParameters {
  enum class Part {
    kAnchored,     // Resize(resize), then a crop of `shape` at the anchor: the middle, or a corner
    kRandomPlace,  // Resize(resize), then RandomCrop(shape)
    kRandomArea,   // RandomResizedCrop(shape, scale, ratio)
  };
  ImageShape shape;  // of the result
  Part part = Part::kAnchored;
  double anchor_x = 0.5, anchor_y = 0.5;                 // 0 left or top, 1 right or bottom
  double scale_low = 0.08, scale_high = 1.0;             // area of the part, as a share
  double ratio_low = 3.0 / 4.0, ratio_high = 4.0 / 3.0;  // width / height, uniform in its logarithm
  int64_t resize = 256;  // the shorter side before the crop; at least the shape's
  bool exact = false;    // decode the whole picture in full, as others do

  bool is_random() const { return part != Part::kAnchored; }
  bool operator==(const FramingParameters&) const = default;
};

// What a worker keeps between samples.
struct FramingScratch {
  image::Decoded decoded;
  image::ResampleScratch resample;
  Image turned;
};

// Ten tries, as torchvision's: area and ratio are drawn, and where the part fits, its place; after
// that the largest part in the middle whose ratio is within the limits. In pixels of a picture of
// `width` x `height`.
image::Rectangle draw_part(int64_t width,
                           int64_t height,
                           const FramingParameters& parameters,
                           util::CounterRng& rng);

// The part that Resize and a crop at the anchor leave, in pixels of the picture.
image::Box anchored_part(int64_t width, int64_t height, const FramingParameters& parameters);

// The sample's picture, encoded or not, as an image of `parameters.shape`. Throws Error(kData) for
// a file that cannot be decoded.
void frame(const FramingParameters& parameters,
           const Sample& sample,
           Image& image,
           FramingScratch& scratch,
           util::CounterRng& rng);

}  // namespace dtrain::data
