// Convolutions of stride 2 on the CPU, with a faster gradient of the weight in bfloat16.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dtrain::nn {

// Note [Small pointwise convolutions]
// oneDNN's gradient of the weight of a 1 x 1 convolution with a stride and fewer than 16 input
// channels writes past its memory (LibTorch 2.11; plain PyTorch crashes in bfloat16 on AVX512-BF16
// with batch 3, 8 channels, 2 threads, and in float32 on AVX2 with 4 to 7 channels). So no such
// convolution gets there.

// Whether strided_convolution() is for these arguments: x (B, C, H, W) in channels-last memory on
// the CPU, stride above one, bfloat16 or about to be cast to it by autocast; or float32, where
// oneDNN fails.
bool has_strided_convolution(const at::Tensor& x,
                             const at::Tensor& weight,
                             int64_t stride,
                             int64_t groups);

// conv2d without bias, square kernel, dilation 1. The gradient of the weight is one product of
// matrices over patches of x, where oneDNN's own kernel for strides reaches half of the speed that
// it has without (measured with 2.11 on AVX512-BF16). The same sums in another order; float32
// accumulation, rounded to bfloat16 once, as there.
at::Tensor strided_convolution(const at::Tensor& x,
                               const at::Tensor& weight,
                               int64_t stride,
                               int64_t padding);

}  // namespace dtrain::nn
