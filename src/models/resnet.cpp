#include "models/resnet.h"

#include <ATen/ATen.h>

#include <optional>
#include <string>

#include "nn/conv_norm_act.h"

namespace dtrain::models {
namespace {

using nn::Activation;
using nn::ConvNormAct;

struct BlockShape {
  int64_t in_channels, width, out_channels, stride;
};

}  // namespace

// relu(branch(x) + shortcut(x)): a chain of convolutions, the last of which adds the shortcut.
class ResidualBlock : public torch::nn::Module {
 public:
  ResidualBlock(Block kind, const BlockShape& s) {
    if (kind == Block::kBasic) {
      add({.in_channels = s.in_channels, .out_channels = s.width, .stride = s.stride});
      add({.in_channels = s.width, .out_channels = s.out_channels});
    } else {
      add({.in_channels = s.in_channels, .out_channels = s.width, .kernel = 1});
      add({.in_channels = s.width, .out_channels = s.width, .stride = s.stride});
      add({.in_channels = s.width, .out_channels = s.out_channels, .kernel = 1});
    }
    if (s.stride != 1 || s.in_channels != s.out_channels) {
      auto& downsample = *register_module("downsample", std::make_shared<torch::nn::Module>());
      shortcut_.emplace(downsample,
                        "0",
                        "1",
                        nn::ConvOptions{.in_channels = s.in_channels,
                                        .out_channels = s.out_channels,
                                        .kernel = 1,
                                        .stride = s.stride},
                        Activation::kNone);
    }
  }

  at::Tensor forward(const at::Tensor& x) const {
    at::Tensor y = x;
    for (size_t i = 0; i + 1 < branch_.size(); ++i) {
      y = branch_[i].forward(y);
    }
    return branch_.back().forward(y, shortcut_ ? shortcut_->forward(x) : x);
  }

  void fold_batch_norm() {
    for (ConvNormAct& layer : branch_) layer.fold();
    if (shortcut_) shortcut_->fold();
  }

  nn::BatchNorm2dImpl& last_norm() { return branch_.back().norm(); }

 private:
  void add(const nn::ConvOptions& options) {
    const std::string n = std::to_string(branch_.size() + 1);
    branch_.emplace_back(*this, "conv" + n, "bn" + n, options, Activation::kRelu);
  }

  std::vector<ConvNormAct> branch_;
  std::optional<ConvNormAct> shortcut_;
};

ResNet::ResNet(const ResNetOptions& options)
    : stem_(*this, options.stem, options.in_channels, options.width) {
  int64_t channels = options.width;
  for (size_t stage = 0; stage < options.layers.size(); ++stage) {
    auto& layer = *register_module("layer" + std::to_string(stage + 1),
                                   std::make_shared<torch::nn::Module>());
    const int64_t width = options.width << stage;
    const int64_t out_channels = width * expansion(options.block);
    for (int64_t i = 0; i < options.layers[stage]; ++i) {
      const int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      blocks_.push_back(layer.register_module(
          std::to_string(i),
          std::make_shared<ResidualBlock>(options.block,
                                          BlockShape{channels, width, out_channels, stride})));
      channels = out_channels;
    }
  }
  fc_ = register_module("fc", std::make_shared<nn::Linear>(channels, options.num_classes));
}

at::Tensor ResNet::forward(const at::Tensor& images) {
  at::Tensor x = stem_.forward(images);
  for (const auto& block : blocks_) {
    x = block->forward(x);
  }
  return fc_->forward(x.mean({2, 3}));
}

void ResNet::fold_batch_norm() {
  stem_.fold_batch_norm();
  for (const auto& block : blocks_) block->fold_batch_norm();
}

void ResNet::zero_init_residual() {
  for (const auto& block : blocks_) {
    block->last_norm().weight.data().zero_();
  }
}

}  // namespace dtrain::models
