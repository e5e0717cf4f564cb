// Residual networks (He et al. 2015, arXiv:1512.03385), parameter for parameter torchvision's.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "nn/classifier.h"
#include "nn/layers.h"
#include "nn/stem.h"

namespace dtrain::models {

enum class Block {
  kBasic,       // two 3x3 convolutions
  kBottleneck,  // 1x1, 3x3, 1x1 to four times the width; the stride is in the 3x3 ("v1.5",
                // torchvision)
};

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

class ResidualBlock;  // resnet.cpp

// Names and shapes of parameters and buffers equal torchvision.models.resnet18/34/50, in the same
// order; the small stem differs in the shape of conv1.weight alone. Source: torchvision 0.26,
// models/resnet.py.
class ResNet : public nn::Classifier {
 public:
  explicit ResNet(const ResNetOptions& options);

  // (B, in_channels, H, W) -> (B, num_classes)
  at::Tensor forward(const at::Tensor& images) override;
  void fold_batch_norm() override;

  // Sets the last norm of every residual branch to zero, so that each block starts as the identity
  // (Goyal et al. 2017, arXiv:1706.02677; torchvision's zero_init_residual).
  void zero_init_residual();

 private:
  nn::Stem stem_;
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
  std::shared_ptr<nn::Linear> fc_;
};

}  // namespace dtrain::models
