// Cross entropy against torch, in every dtype, and for a rank without samples.
#include "tasks/losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/formula_tensor.h"
#include "tests/support/golden.h"
#include "tests/support/tensor_matchers.h"
#include "train/autocast.h"

namespace dtrain::tasks {
namespace {

using testing::GoldenJson;

at::ScalarType dtype_of(const std::string& name) {
  return name == "float64" ? at::kDouble : name == "float32" ? at::kFloat : at::kBFloat16;
}

double tolerance_of(at::ScalarType dtype) {
  return dtype == at::kDouble ? 1e-13 : dtype == at::kFloat ? 1e-6 : 1e-6;
}

void expect_golden_losses() {
  const GoldenJson golden = testing::golden("tasks.json");
  const int64_t batch = golden.at("batch"), classes = golden.at("classes");
  for (const GoldenJson& c : golden.at("losses")) {
    const at::ScalarType dtype = dtype_of(c.at("dtype"));
    const at::Tensor logits =
        testing::formula("logits", {batch, classes}, 8.0).to(dtype).requires_grad_();
    // The reference takes means.
    const at::Tensor loss =
        cross_entropy(logits, testing::targets_of(batch, classes), c.at("label_smoothing")) /
        static_cast<double>(batch);
    loss.backward();
    const double tolerance = tolerance_of(dtype);
    EXPECT_EQ(loss.scalar_type(), dtype == at::kDouble ? at::kDouble : at::kFloat);
    EXPECT_NEAR(loss.item<double>(), c.at("loss").get<double>(), 10 * tolerance)
        << c.at("dtype") << " " << c.at("label_smoothing");
    EXPECT_TRUE(testing::all_close(
        logits.grad().view(-1), testing::tensor_of(c.at("grad")), {.absolute = tolerance}))
        << c.at("dtype") << " " << c.at("label_smoothing");
  }
}

TEST(CrossEntropy, IsTorchsWithAndWithoutLabelSmoothing) { expect_golden_losses(); }

TEST(CrossEntropy, StaysInFloat32UnderAutocast) {
  const train::AutocastScope autocast(train::Precision::kBFloat16, at::kCPU);
  expect_golden_losses();
}

TEST(CrossEntropy, IsZeroWithZeroGradientForAnEmptyBatch) {
  for (const at::ScalarType dtype : {at::kDouble, at::kFloat, at::kBFloat16}) {
    const at::Tensor weight = at::ones({3, 10}, dtype).requires_grad_();
    const at::Tensor loss =
        cross_entropy(at::zeros({0, 3}, dtype).mm(weight), at::zeros({0}, at::kLong), 0.1);
    loss.backward();
    EXPECT_EQ(loss.item<double>(), 0.0);
    EXPECT_TRUE(testing::all_close(weight.grad(), at::zeros({3, 10}), {}));
  }
}

}  // namespace
}  // namespace dtrain::tasks
