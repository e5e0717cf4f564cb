// Initial weights: the right distribution, and a function of seed and name alone.
#include "nn/init.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/registry.h"
#include "nn/layers.h"
#include "tests/support/tensor_matchers.h"

namespace dtrain::nn {
namespace {

models::ModelConfig config(int64_t classes = 10) {
  models::ModelConfig c;
  c.in_channels = 3;
  c.num_classes = classes;
  c.stem = "small";
  c.width = 16;
  return c;
}

TEST(Initialise, IsTheSameForTheSameSeedAndAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(4);
  const auto a = models::create_model(config(), 7);
  at::set_num_threads(1);
  const auto b = models::create_model(config(), 7);
  at::set_num_threads(threads);
  const auto c = models::create_model(config(), 8);
  for (const auto& item : a->named_parameters()) {
    EXPECT_TRUE(testing::bit_equal(b->named_parameters()[item.key()], item.value())) << item.key();
    if (item.value().dim() > 1) {
      EXPECT_FALSE(c->named_parameters()[item.key()].equal(item.value())) << item.key();
    }
  }
}

TEST(Initialise, LeavesTheBackboneAsItWasWhenTheClassesChange) {
  const auto a = models::create_model(config(10), 7), b = models::create_model(config(11), 7);
  for (const auto& item : a->named_parameters()) {
    if (item.key().rfind("fc.", 0) != 0) {
      EXPECT_TRUE(testing::bit_equal(b->named_parameters()[item.key()], item.value()))
          << item.key();
    }
  }
}

TEST(Initialise, GivesEachParameterNumbersOfItsOwn) {
  const auto model = models::create_model(config(), 7);
  const auto p = model->named_parameters();
  EXPECT_FALSE(p["layer1.0.conv1.weight"].equal(p["layer1.0.conv2.weight"]));
}

TEST(Initialise, DrawsConvolutionsFromKaimingNormalFanOut) {
  torch::nn::Module parent;
  const auto conv = parent.register_module(
      "conv", std::make_shared<Conv2d>(ConvOptions{.in_channels = 64, .out_channels = 128}));
  initialise(parent, 3);
  const double expected = std::sqrt(2.0 / (128 * 9)), n = static_cast<double>(conv->weight.numel());
  const at::Tensor w = conv->weight.to(at::kDouble);
  // Five standard errors of mean and standard deviation; kurtosis 3 says normal.
  EXPECT_NEAR(w.mean().item<double>(), 0.0, 5 * expected / std::sqrt(n));
  EXPECT_NEAR(w.std().item<double>(), expected, 5 * expected / std::sqrt(2 * n));
  EXPECT_NEAR((w / expected).pow(4).mean().item<double>(), 3.0, 5 * std::sqrt(96.0 / n));
}

TEST(Initialise, DrawsLinearLayersUniformlyWithinOneOverRootOfInputs) {
  torch::nn::Module parent;
  const auto linear = parent.register_module("fc", std::make_shared<Linear>(256, 100));
  initialise(parent, 3);
  for (const at::Tensor& t : {linear->weight, linear->bias}) {
    EXPECT_LE(t.abs().max().item<double>(), 1.0 / 16);
    EXPECT_GT(t.abs().max().item<double>(), 0.9 / 16);
  }
  EXPECT_NEAR(linear->weight.to(at::kDouble).std().item<double>(), 1.0 / 16 / std::sqrt(3.0), 5e-4);
}

}  // namespace
}  // namespace dtrain::nn
