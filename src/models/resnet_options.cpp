#include "models/resnet_options.h"

namespace dtrain::models {
namespace {

int64_t halved(int64_t side) { return (side + 1) / 2; }

}  // namespace

int64_t multiply_adds(const ResNetOptions& options, int64_t height, int64_t width) {
  const bool imagenet = options.stem == nn::StemKind::kImagenet;
  int64_t h = imagenet ? halved(height) : height, w = imagenet ? halved(width) : width;
  int64_t total = (imagenet ? 49 : 9) * options.in_channels * options.width * h * w;
  if (imagenet) h = halved(h), w = halved(w);
  int64_t in = options.width;
  for (size_t stage = 0; stage < options.layers.size(); ++stage) {
    const int64_t middle = options.width << stage, out = middle * expansion(options.block);
    for (int64_t i = 0; i < options.layers[stage]; ++i) {
      const int64_t before = h * w;
      if (stage > 0 && i == 0) h = halved(h), w = halved(w);
      const int64_t after = h * w;
      total += options.block == Block::kBasic
                   ? 9 * (in * middle + middle * out) * after
                   : in * middle * before + (9 * middle * middle + middle * out) * after;
      if (i == 0 && (stage > 0 || in != out)) total += in * out * after;
      in = out;
    }
  }
  return total + in * options.num_classes;
}

}  // namespace dtrain::models
