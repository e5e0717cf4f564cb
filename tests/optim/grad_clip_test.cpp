// Gradient clipping against torch.nn.utils.clip_grad_norm_.
#include "optim/grad_clip.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/formula_tensor.h"
#include "tests/support/golden.h"
#include "tests/support/tensor_matchers.h"

namespace dtrain::optim {
namespace {

using testing::GoldenJson;

at::Tensor parameter_with_gradient(const at::Tensor& grad) {
  at::Tensor p = at::zeros_like(grad).requires_grad_();
  p.mutable_grad() = grad;
  return p;
}

std::vector<at::Tensor> parameters(const GoldenJson& shapes, at::ScalarType dtype) {
  std::vector<at::Tensor> params;
  for (const auto& item : shapes.items()) {
    const auto shape = item.value().get<std::vector<int64_t>>();
    params.push_back(
        parameter_with_gradient(testing::formula("clip." + item.key(), shape).to(dtype)));
  }
  return params;
}

void expect_golden(at::ScalarType dtype, double tolerance) {
  const GoldenJson golden = testing::golden("clip.json");
  for (const GoldenJson& c : golden.at("cases")) {
    const auto params = parameters(golden.at("shapes"), dtype);
    const double norm = clip_grad_norm(params, c.at("max_norm"));
    EXPECT_NEAR(norm, c.at("norm").get<double>(), tolerance * norm);
    size_t i = 0;
    for (const auto& item : c.at("grads").items()) {
      EXPECT_TRUE(testing::all_close(params[i++].grad().reshape(-1),
                                     testing::tensor_of(item.value()),
                                     {.absolute = tolerance}))
          << item.key() << " at " << c.at("max_norm");
    }
  }
}

TEST(ClipGradNorm, ScalesAsTorchBelowAndAboveTheLimitInFloat64) {
  expect_golden(at::kDouble, 1e-13);
}

TEST(ClipGradNorm, ScalesAsTorchBelowAndAboveTheLimitInFloat32) { expect_golden(at::kFloat, 1e-6); }

TEST(ClipGradNorm, LeavesOutParametersWithoutAGradient) {
  const std::vector<at::Tensor> params = {at::zeros({2}).requires_grad_(),
                                          parameter_with_gradient(at::full({4}, 3.0))};
  EXPECT_DOUBLE_EQ(clip_grad_norm(params, 100.0), 6.0);
  EXPECT_FALSE(params[0].grad().defined());
  EXPECT_EQ(clip_grad_norm({params[0]}, 1.0), 0.0);
}

TEST(ClipGradNorm, ReportsANormThatIsNotANumberAndLetsTheGradientsShowIt) {
  const std::vector<at::Tensor> params = {
      parameter_with_gradient(at::full({1}, std::numeric_limits<double>::quiet_NaN())),
      parameter_with_gradient(at::ones({3}))};
  EXPECT_TRUE(std::isnan(clip_grad_norm(params, 1.0)));
  EXPECT_TRUE(params[1].grad().isnan().all().item<bool>());
}

}  // namespace
}  // namespace dtrain::optim
