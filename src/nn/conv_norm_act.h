// The one place where convolution, batch norm, residual add and ReLU meet.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "nn/batch_norm.h"
#include "nn/layers.h"

namespace dtrain::nn {

enum class Activation { kNone, kRelu };

// relu(norm(conv(x)) + residual), residual and relu optional: every step of a ResNet. A fused
// kernel goes in here and no model file changes.
//
// The two layers are registered in `parent` under the names given, because checkpoints carry
// torchvision's names, where a convolution and its norm are siblings; this object only points at
// them.
//
//   conv1_(*this, "conv1", "bn1", {.in_channels = 64, .out_channels = 64}, Activation::kRelu)
//   at::Tensor y = conv1_.forward(x);
class ConvNormAct {
 public:
  ConvNormAct(torch::nn::Module& parent,
              const std::string& conv_name,
              const std::string& norm_name,
              const ConvOptions& options,
              Activation activation);

  // `residual`, where defined, has the shape of the result. Does not change its arguments.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& residual = {}) const;

  BatchNorm2dImpl& norm() { return *norm_; }

  // Puts what batch norm does in evaluation, a factor and an offset for each channel, into the
  // convolution's weights and bias, computed in double. The same function but for rounding, with
  // one pass over the result less; the model can then no longer be trained or saved.
  void fold();

 private:
  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<BatchNorm2dImpl> norm_;
  Activation activation_;
  bool folded_ = false;
};

}  // namespace dtrain::nn
