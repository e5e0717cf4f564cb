// Convolution, linear layer, stems, and how their tensors are stored.
#include "nn/layers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/registry.h"
#include "nn/conversion.h"
#include "nn/init.h"
#include "nn/stem.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/tensor_matchers.h"

namespace dtrain::nn {
namespace {

// y[b, o, i, j] by its definition.
at::Tensor convolution(const at::Tensor& x, const at::Tensor& w, int64_t stride, int64_t padding) {
  const at::Tensor padded = at::constant_pad_nd(x, {padding, padding, padding, padding});
  const int64_t k = w.size(2);
  const int64_t out = (padded.size(2) - k) / stride + 1;
  at::Tensor y = at::empty({x.size(0), w.size(0), out, out}, x.options());
  for (int64_t i = 0; i < out; ++i) {
    for (int64_t j = 0; j < out; ++j) {
      const at::Tensor patch =
          padded.narrow(2, i * stride, k).narrow(3, j * stride, k).reshape({x.size(0), -1});
      y.select(2, i).select(2, j).copy_(patch.mm(w.reshape({w.size(0), -1}).t()));
    }
  }
  return y;
}

TEST(Conv2d, IsTheSumOverTheWindowForEveryKernelAndStrideOfAResNet) {
  struct Case {
    int64_t kernel, stride;
  };
  for (const Case c : {Case{1, 1}, Case{1, 2}, Case{3, 1}, Case{3, 2}, Case{7, 2}}) {
    Conv2d conv({.in_channels = 3, .out_channels = 5, .kernel = c.kernel, .stride = c.stride});
    set_dtype(conv, at::kDouble);
    const at::NoGradGuard no_grad;
    conv.weight.copy_(testing::formula("w", conv.weight.sizes()));
    const at::Tensor x = testing::formula("x", {2, 3, 9, 9});
    EXPECT_TRUE(testing::all_close(
        conv.forward(x), convolution(x, conv.weight, c.stride, c.kernel / 2), {.absolute = 1e-12}))
        << "kernel " << c.kernel << " stride " << c.stride;
  }
}

TEST(Linear, IsWeightTimesInputPlusBias) {
  Linear linear(3, 2);
  const at::NoGradGuard no_grad;
  linear.weight.copy_(at::tensor({1., 2., 3., 4., 5., 6.}).view({2, 3}));
  linear.bias.copy_(at::tensor({10., 20.}));
  const at::Tensor y = linear.forward(at::tensor({1., 0., -1.}, at::kFloat).view({1, 3}));
  EXPECT_TRUE(testing::all_close(y, at::tensor({8., 18.}).view({1, 2}), {}));
}

TEST(Stem, ImagenetsTakesAQuarterOfTheSideAndTheSmallOneKeepsIt) {
  torch::nn::Module imagenet, small;
  const Stem big_stem(imagenet, StemKind::kImagenet, 3, 8),
      small_stem(small, StemKind::kSmall, 1, 8);
  initialise(imagenet, 1);
  initialise(small, 1);
  EXPECT_EQ(big_stem.forward(at::ones({2, 3, 64, 64})).sizes(), at::IntArrayRef({2, 8, 16, 16}));
  EXPECT_EQ(small_stem.forward(at::ones({2, 1, 28, 28})).sizes(), at::IntArrayRef({2, 8, 28, 28}));
  EXPECT_EQ(imagenet.named_parameters().keys(),
            (std::vector<std::string>{"conv1.weight", "bn1.weight", "bn1.bias"}));
}

TEST(SetDtype, ConvertsFloatsAndLeavesCountersIntegers) {
  const auto model =
      models::create_model({.in_channels = 1, .num_classes = 2, .stem = "small", .width = 4}, 1);
  set_dtype(*model, at::kDouble);
  for (const auto& item : model->named_parameters()) {
    EXPECT_EQ(item.value().scalar_type(), at::kDouble) << item.key();
  }
  for (const auto& item : model->named_buffers()) {
    const bool counter = testing::ends_with(item.key(), "num_batches_tracked");
    EXPECT_EQ(item.value().scalar_type(), counter ? at::kLong : at::kDouble) << item.key();
  }
  EXPECT_EQ(model->forward(at::ones({2, 1, 8, 8}, at::kDouble)).scalar_type(), at::kDouble);
}

TEST(SetMemoryFormat, ChangesTheLayoutAndNotTheValues) {
  const auto model =
      models::create_model({.in_channels = 3, .num_classes = 2, .stem = "small", .width = 4}, 1);
  const at::Tensor before = model->named_parameters()["conv1.weight"].clone();
  EXPECT_FALSE(before.is_contiguous());
  set_memory_format(*model, at::MemoryFormat::Contiguous);
  const at::Tensor after = model->named_parameters()["conv1.weight"];
  EXPECT_TRUE(after.is_contiguous());
  EXPECT_TRUE(testing::bit_equal(after, before));
}

}  // namespace
}  // namespace dtrain::nn
