#include "nn/stem.h"

#include <ATen/ATen.h>

namespace dtrain::nn {
namespace {

ConvOptions options_of(StemKind kind, int64_t in_channels, int64_t width) {
  const bool imagenet = kind == StemKind::kImagenet;
  return {.in_channels = in_channels,
          .out_channels = width,
          .kernel = imagenet ? 7 : 3,
          .stride = imagenet ? 2 : 1};
}

}  // namespace

Stem::Stem(torch::nn::Module& parent, StemKind kind, int64_t in_channels, int64_t width)
    : kind_(kind),
      conv_(parent, "conv1", "bn1", options_of(kind, in_channels, width), Activation::kRelu) {}

at::Tensor Stem::forward(const at::Tensor& images) const {
  const at::Tensor x = conv_.forward(images);
  return kind_ == StemKind::kImagenet ? at::max_pool2d(x, 3, /*stride=*/2, /*padding=*/1) : x;
}

}  // namespace dtrain::nn
