// What a residual network is made of, without torch.
#pragma once

#include <array>
#include <cstdint>

#include "nn/stem_kind.h"

namespace dtrain::models {

enum class Block {
  kBasic,       // two 3x3 convolutions
  kBottleneck,  // 1x1, 3x3, 1x1 to four times the width; the stride is in the 3x3 ("v1.5",
                // torchvision)
};

// Output channels of a block in multiples of its width.
constexpr int64_t expansion(Block block) { return block == Block::kBottleneck ? 4 : 1; }

struct ResNetOptions {
  Block block = Block::kBasic;
  std::array<int64_t, 4> layers = {2, 2, 2, 2};  // blocks per stage
  nn::StemKind stem = nn::StemKind::kImagenet;
  int64_t in_channels = 3;
  int64_t num_classes = 1000;
  int64_t width = 64;  // channels of the first stage; doubles with every stage
};

// Multiplications of the convolutions and the last layer for one image: what a forward pass costs.
int64_t multiply_adds(const ResNetOptions& options, int64_t height, int64_t width);

}  // namespace dtrain::models
