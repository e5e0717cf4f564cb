// The two layers with weights that classifiers are made of: convolution and linear.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>

namespace dtrain::nn {

class VirtualShards;

// Square kernels only; the padding keeps the size at stride 1.
struct ConvOptions {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t groups = 1;
};

// Convolution without a bias until a batch norm is folded into it: the batch norm after it has one.
// (B, in, H, W) -> (B, out, H', W').
//
// torch::nn::Conv2d would do, but fills 11 million weights with numbers that init.h then replaces;
// here the weight stays unwritten until `initialise`. It lies in memory channels-last, which makes
// ATen run the whole network that way, whatever the layout of the images is.
class Conv2d : public torch::nn::Module {
 public:
  explicit Conv2d(const ConvOptions& options);
  at::Tensor forward(const at::Tensor& x) const;
  void set_virtual_shards(std::shared_ptr<VirtualShards> shards) { shards_ = std::move(shards); }

  at::Tensor weight;  // (out, in / groups, kernel, kernel)
  at::Tensor bias;    // (out); no parameter, undefined but for fold_batch_norm (conv_norm_act.h)

 private:
  std::shared_ptr<VirtualShards> shards_;
  int64_t stride_, padding_, groups_;
};

// x W^T + b: (B, in) -> (B, out). The parameters stay unwritten until `initialise`.
class Linear : public torch::nn::Module {
 public:
  Linear(int64_t in_features, int64_t out_features);
  at::Tensor forward(const at::Tensor& x) const;
  void set_virtual_shards(std::shared_ptr<VirtualShards> shards) { shards_ = std::move(shards); }

  at::Tensor weight;  // (out, in)
  at::Tensor bias;    // (out)

 private:
  std::shared_ptr<VirtualShards> shards_;
};

}  // namespace dtrain::nn
