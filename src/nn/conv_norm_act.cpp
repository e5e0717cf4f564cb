#include "nn/conv_norm_act.h"

#include <ATen/ATen.h>

#include "util/check.h"

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
  if (folded_) {
    at::Tensor y = conv_->forward(x);
    if (residual.defined()) y.add_(residual);
    return activation_ == Activation::kRelu ? y.relu_() : y;
  }
  return norm_->forward_add_relu(conv_->forward(x), residual, activation_ == Activation::kRelu);
}

void ConvNormAct::fold() {
  check(!folded_, "a batch norm is folded once");
  const at::NoGradGuard no_grad;
  const at::Tensor factor =
      norm_->weight.to(at::kDouble) / (norm_->running_var.to(at::kDouble) + norm_->eps()).sqrt();
  const at::Tensor offset =
      norm_->bias.to(at::kDouble) - norm_->running_mean.to(at::kDouble) * factor;
  conv_->weight.copy_(conv_->weight.to(at::kDouble) * factor.view({-1, 1, 1, 1}));
  conv_->bias = offset.to(conv_->weight.scalar_type());
  folded_ = true;
}

}  // namespace dtrain::nn
