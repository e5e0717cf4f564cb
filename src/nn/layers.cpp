#include "nn/layers.h"

#include <ATen/ATen.h>

#include "nn/strided_convolution.h"
#include "nn/virtual_shards.h"

namespace dtrain::nn {

Conv2d::Conv2d(const ConvOptions& options)
    : stride_(options.stride), padding_(options.kernel / 2), groups_(options.groups) {
  const std::vector<int64_t> shape = {
      options.out_channels, options.in_channels / options.groups, options.kernel, options.kernel};
  weight = register_parameter("weight", at::empty(shape, at::MemoryFormat::ChannelsLast));
}

at::Tensor Conv2d::forward(const at::Tensor& x) const {
  const auto convolve = [this](const at::Tensor& images, const at::Tensor& kernel) {
    // ATen forgets the memory format where there are no images; a rank without any would take
    // another way through batch norm than the others, with other messages.
    if (images.size(0) == 0) {
      return at::conv2d(images, kernel, bias, stride_, padding_, /*dilation=*/1, groups_)
          .contiguous(at::MemoryFormat::ChannelsLast);
    }
    if (is_training() && has_strided_convolution(images, kernel, stride_, groups_)) {
      return strided_convolution(images, kernel, stride_, padding_);
    }
    return at::conv2d(images, kernel, bias, stride_, padding_, /*dilation=*/1, groups_);
  };
  if (!shards_ || !is_training()) return convolve(x, weight);
  return shards_->for_each(x, [&](const at::Tensor& part, int64_t shard) {
    return convolve(part, shards_->leaf(weight, shard));
  });
}

Linear::Linear(int64_t in_features, int64_t out_features) {
  weight = register_parameter("weight", at::empty({out_features, in_features}));
  bias = register_parameter("bias", at::empty({out_features}));
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  if (!shards_ || !is_training()) return at::linear(x, weight, bias);
  return shards_->for_each(x, [&](const at::Tensor& part, int64_t shard) {
    return at::linear(part, shards_->leaf(weight, shard), shards_->leaf(bias, shard));
  });
}

}  // namespace dtrain::nn
