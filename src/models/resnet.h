// Residual networks (He et al. 2015, arXiv:1512.03385), parameter for parameter torchvision's.
#pragma once

#include <memory>
#include <vector>

#include "models/resnet_options.h"
#include "nn/classifier.h"
#include "nn/layers.h"
#include "nn/stem.h"

namespace dtrain::models {

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
