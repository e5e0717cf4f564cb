#include "nn/conv_norm_act.h"

#include <ATen/ATen.h>

namespace dtrain::nn {

ConvNormAct::ConvNormAct(torch::nn::Module& parent,
                         const std::string& conv_name,
                         const std::string& norm_name,
                         const ConvOptions& options,
                         Activation activation)
    : conv_(parent.register_module(conv_name, std::make_shared<Conv2d>(options))),
      norm_(parent.register_module(norm_name,
                                   std::make_shared<BatchNorm2dImpl>(options.out_channels))),
      activation_(activation) {}

at::Tensor ConvNormAct::forward(const at::Tensor& x, const at::Tensor& residual) const {
  return norm_->forward_add_relu(conv_->forward(x), residual, activation_ == Activation::kRelu);
}

}  // namespace dtrain::nn
