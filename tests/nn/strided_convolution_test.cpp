// The gradients of a strided convolution, against torch's.
#include "nn/strided_convolution.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/layers.h"
#include "tests/support/formula_tensor.h"
#include "train/autocast.h"

namespace dtrain::nn {
namespace {

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b.to(at::kDouble)).norm() / b.to(at::kDouble).norm()).item<double>();
}

TEST(StridedConvolution, HasTorchsResultAndGradients) {
  for (const auto& [kernel, channels] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 8}, {1, 32}, {3, 32}, {7, 32}}) {
    for (const auto& [height, width] : {std::pair{8, 8}, {7, 7}, {5, 9}, {1, 1}}) {
      const at::Tensor images = testing::formula("x", {3, channels, height, width});
      const at::Tensor kernels = testing::formula("w", {16, channels, kernel, kernel}, 0.3);
      const auto leaf = [](const at::Tensor& t, at::ScalarType type) {
        // Rounded to bfloat16 first, so that the reference in double sees the same numbers.
        return t.to(at::kBFloat16)
            .to(type)
            .contiguous(at::MemoryFormat::ChannelsLast)
            .requires_grad_();
      };
      at::Tensor x = leaf(images, at::kBFloat16), w = leaf(kernels, at::kBFloat16);
      ASSERT_TRUE(has_strided_convolution(x, w, 2, 1));
      const at::Tensor y = strided_convolution(x, w, 2, kernel / 2);
      at::Tensor exact_x = leaf(images, at::kDouble), exact_w = leaf(kernels, at::kDouble);
      const at::Tensor exact = at::conv2d(exact_x, exact_w, {}, 2, kernel / 2);
      const at::Tensor dy = testing::formula("dy", exact.sizes()).to(at::kBFloat16);
      y.backward(dy);
      exact.backward(dy.to(at::kDouble));
      ASSERT_EQ(y.sizes(), exact.sizes());
      EXPECT_LT(relative_error(y, exact), 4e-3);
      // That of x is torch's own, in bfloat16, which rounds as often as the processor's kernel
      // does.
      at::Tensor torchs_x = leaf(images, at::kBFloat16);
      at::conv2d(torchs_x, w.detach(), {}, 2, kernel / 2).backward(dy);
      EXPECT_TRUE(at::equal(x.grad(), torchs_x.grad())) << kernel << " " << height;
      EXPECT_LT(relative_error(w.grad(), exact_w.grad()), 4e-3) << kernel << " " << height;
      EXPECT_TRUE(w.grad().is_contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
}

TEST(StridedConvolution, IsTakenUnderAutocastAndGivesFloatGradientsOfFloatWeights) {
  Conv2d conv({.in_channels = 32, .out_channels = 8, .kernel = 3, .stride = 2});
  {
    const at::NoGradGuard no_grad;
    conv.weight.copy_(testing::formula("w", {8, 32, 3, 3}));
  }
  const at::Tensor x = testing::formula("x", {2, 32, 6, 6})
                           .to(at::kFloat)
                           .contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor y;
  {
    const train::AutocastScope autocast(train::Precision::kBFloat16, at::kCPU);
    EXPECT_TRUE(has_strided_convolution(x, conv.weight, 2, 1));
    y = conv.forward(x);
  }
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  y.sum().backward();
  EXPECT_EQ(conv.weight.grad().scalar_type(), at::kFloat);
  EXPECT_FALSE(has_strided_convolution(x, conv.weight, 2, 1)) << "float32 stays with torch";
}

// Note [Small pointwise convolutions]; run once more with oneDNN held to AVX2, where torch's own
// gradient of 4 to 7 channels destroys the heap.
TEST(StridedConvolution, OfFewChannelsHasTheExactGradientInFloat32) {
  for (int64_t channels = 1; channels <= 17; ++channels) {
    Conv2d conv({.in_channels = channels, .out_channels = 2 * channels, .kernel = 1, .stride = 2});
    const at::Tensor values = testing::formula("w", conv.weight.sizes(), 0.3).to(at::kFloat);
    {
      const at::NoGradGuard no_grad;
      conv.weight.copy_(values);
    }
    const at::Tensor x = testing::formula("x", {64, channels, 14, 14})
                             .to(at::kFloat)
                             .contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor exact_w = values.to(at::kDouble).requires_grad_();
    const at::Tensor exact = at::conv2d(x.to(at::kDouble), exact_w, {}, 2);
    const at::Tensor dy = testing::formula("dy", exact.sizes());
    exact.backward(dy);
    const at::Tensor y = conv.forward(x);
    y.backward(dy.to(at::kFloat));
    EXPECT_LT(relative_error(y, exact), 1e-6) << channels;
    EXPECT_LT(relative_error(conv.weight.grad(), exact_w.grad()), 1e-5) << channels;
  }
}

TEST(StridedConvolution, TakesAnEmptyBatch) {
  at::Tensor w = testing::formula("w", {4, 32, 3, 3})
                     .to(at::kBFloat16)
                     .contiguous(at::MemoryFormat::ChannelsLast)
                     .requires_grad_();
  const at::Tensor x = at::empty({0, 32, 6, 6}, at::kBFloat16);
  strided_convolution(x, w, 2, 1).sum().backward();
  EXPECT_EQ(w.grad().count_nonzero().item<int64_t>(), 0);
}

}  // namespace
}  // namespace dtrain::nn
