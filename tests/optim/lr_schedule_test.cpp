// Learning rates over whole runs, against torch's schedulers and timm's formula.
#include "optim/lr_schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/golden.h"
#include "util/check.h"

namespace dtrain::optim {
namespace {

using testing::GoldenJson;

ScheduleConfig config_of(const GoldenJson& json) {
  ScheduleConfig c;
  c.name = json.at("name");
  c.warmup_epochs = json.at("warmup_epochs");
  c.warmup_factor = json.at("warmup_factor");
  c.min_lr = json.at("min_lr");
  c.cycles = json.value("cycles", c.cycles);
  c.decay_epochs = json.value("decay_epochs", c.decay_epochs);
  c.decay_rate = json.value("decay_rate", c.decay_rate);
  return c;
}

void expect_values(const LRSchedule& schedule, const GoldenJson& values, double tolerance) {
  for (size_t step = 0; step < values.size(); ++step) {
    const double expected = values[step];
    EXPECT_NEAR(schedule(static_cast<int64_t>(step)), expected, tolerance) << "step " << step;
  }
}

TEST(LRSchedule, FollowsTorchAndTimmOverTheWholeRun) {
  const GoldenJson golden = testing::golden("schedules.json");
  for (const GoldenJson& c : golden.at("cases")) {
    SCOPED_TRACE(c.at("config").dump());
    const double lr = c.at("lr");
    const LRSchedule schedule(
        config_of(c.at("config")), lr, c.at("steps_per_epoch"), c.at("epochs"));
    expect_values(schedule, c.at("torch"), 1e-12 * lr);
    expect_values(schedule, c.value("timm", GoldenJson::array()), 1e-15);
  }
}

TEST(LRSchedule, EndsTheWarmupExactlyAtTheLearningRate) {
  const LRSchedule schedule({.warmup_epochs = 2.0, .warmup_factor = 0.1}, 0.3, 10, 5);
  EXPECT_DOUBLE_EQ(schedule(0), 0.03);
  EXPECT_LT(schedule(19), 0.3);
  EXPECT_EQ(schedule(20), 0.3);
  EXPECT_LT(schedule(21), 0.3);
}

TEST(LRSchedule, TheWarmupIsPartOfTheFirstCycle) {
  const LRSchedule schedule({.warmup_epochs = 1.0, .warmup_factor = 0.1, .cycles = 2}, 0.3, 10, 6);
  EXPECT_EQ(schedule(10), 0.3);
  EXPECT_LT(schedule(29), 0.01);
  EXPECT_EQ(schedule(30), 0.3);  // without a warm-up of its own
  EXPECT_NEAR(schedule(59), 0.3 * (1 + std::cos(std::numbers::pi * 29 / 30)) / 2, 1e-15);
}

TEST(LRSchedule, StaysAtTheMinimumAfterTheEnd) {
  const LRSchedule schedule({.min_lr = 0.01}, 0.3, 10, 5);
  EXPECT_GT(schedule(49), 0.01);
  EXPECT_EQ(schedule(50), 0.01);
  EXPECT_EQ(schedule(1000), 0.01);
}

TEST(LRSchedule, RefusesAWarmupLongerThanTheTraining) {
  EXPECT_THROW(LRSchedule({.warmup_epochs = 5.1}, 0.3, 10, 5), Error);
}

}  // namespace
}  // namespace dtrain::optim
