// The first layers of a ResNet: from the image to features of the base width.
#pragma once

#include <ATen/core/Tensor.h>

#include "nn/conv_norm_act.h"
#include "nn/stem_kind.h"

namespace dtrain::nn {

// Registers `conv1` and `bn1` in `parent`, torchvision's names for both kinds.
class Stem {
 public:
  Stem(torch::nn::Module& parent, StemKind kind, int64_t in_channels, int64_t width);

  // (B, in_channels, H, W) -> (B, width, H', W')
  at::Tensor forward(const at::Tensor& images) const;

  void fold_batch_norm() { conv_.fold(); }

 private:
  StemKind kind_;
  ConvNormAct conv_;
};

}  // namespace dtrain::nn
