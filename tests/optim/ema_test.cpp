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
  ModelEma ema(model, {.enabled = true, .decay = 0.75, .warmup = false});
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
  ModelEma ema(model, {.enabled = true, .decay = 0.5, .warmup = false});
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

// With a decay of 0.999 throughout, 66 updates would leave 94 % of the first weights.
TEST(ModelEma, ForgetsTheFirstWeightsOfAShortTraining) {
  nn::BatchNorm2dImpl model(3);
  const at::NoGradGuard no_grad;
  model.weight.fill_(0);
  ModelEma ema(model, {.enabled = true, .decay = 0.999});
  double expected = 0;
  for (int t = 0; t < 66; ++t) {
    model.weight.fill_(1);
    ema.after_update();
    const double decay = (1.0 + t) / (10.0 + t);
    expected = decay * expected + (1 - decay);
  }
  EXPECT_NEAR(ema.state()[0].second[0].item<double>(), expected, 1e-6);
  EXPECT_GT(expected, 0.999);
}

TEST(ModelEma, ContinuesItsWarmupWhereItStood) {
  nn::BatchNorm2dImpl model(3);
  const EmaConfig config{.enabled = true, .decay = 0.999};
  ModelEma straight(model, config), first(model, config), second(model, config);
  const at::NoGradGuard no_grad;
  const auto update = [&](ModelEma& ema, int t) {
    model.weight.fill_(t % 3);
    ema.after_update();
  };
  for (int t = 0; t < 10; ++t) update(straight, t);
  for (int t = 0; t < 6; ++t) update(first, t);
  second.load(first.state());
  ASSERT_EQ(first.more_state().size(), 1U);
  second.more_state()[0]->load(first.more_state()[0]->state());
  for (int t = 6; t < 10; ++t) update(second, t);
  EXPECT_TRUE(at::equal(second.state()[0].second, straight.state()[0].second));
  EXPECT_TRUE(ModelEma(model, {.enabled = true, .warmup = false}).more_state().empty());
}

}  // namespace
}  // namespace dtrain::optim
