// The moving average over time, against its formula.
#include "optim/ema.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/batch_norm.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/tensor_matchers.h"

namespace dtrain::optim {
namespace {

TEST(ModelEma, FollowsParametersAndBuffersAndCopiesCounters) {
  nn::BatchNorm2dImpl model(5);
  ModelEma ema(model, {.enabled = true, .decay = 0.75});
  at::Tensor weight = model.weight.detach().to(at::kDouble);
  at::Tensor mean = model.running_mean.to(at::kDouble);
  for (int step = 0; step < 20; ++step) {
    const at::NoGradGuard no_grad;
    model.weight.copy_(testing::formula("w" + std::to_string(step), {5}));
    model.running_mean.copy_(testing::formula("m" + std::to_string(step), {5}));
    model.num_batches_tracked.fill_(step);
    ema.after_update();
    weight = 0.75 * weight + 0.25 * model.weight.to(at::kDouble);
    mean = 0.75 * mean + 0.25 * model.running_mean.to(at::kDouble);
  }
  for (const auto& [name, average] : ema.state()) {
    if (name == "weight") {
      EXPECT_TRUE(testing::all_close(average, weight, {.absolute = 1e-6}));
    } else if (name == "running_mean") {
      EXPECT_TRUE(testing::all_close(average, mean, {.absolute = 1e-6}));
    } else if (name == "num_batches_tracked") {
      EXPECT_EQ(average.item<int64_t>(), 19);
    }
  }
}

TEST(ModelEma, IsWhatTheModelComputesWithInAScopeAndOnlyThere) {
  nn::BatchNorm2dImpl model(3);
  ModelEma ema(model, {.enabled = true, .decay = 0.5});
  const at::NoGradGuard no_grad;
  model.weight.fill_(3);
  ema.after_update();
  {
    const Average::Scope scope(ema);
    EXPECT_TRUE(at::equal(model.weight, at::full({3}, 2.0F)));
  }
  EXPECT_TRUE(at::equal(model.weight, at::full({3}, 3.0F)));
  EXPECT_TRUE(at::equal(ema.state()[0].second, at::full({3}, 2.0F)));
}

}  // namespace
}  // namespace dtrain::optim
