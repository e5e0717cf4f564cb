// Learning rates over whole runs, against torch's schedulers and timm's formula.
#include "optim/lr_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

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

// Ten steps of an epoch; stopped at 25 of 40, to end after 70.
LRSchedule resumed(const std::string& mode, int64_t step = 25, const ScheduleConfig& config = {}) {
  LRSchedule schedule(config, 0.3, 10, 4);
  EXPECT_NE(schedule.follow_length(step, 70, mode), "");
  return schedule;
}

TEST(LRSchedule, StretchesTheRestOfTheDecayToAnotherEnd) {
  const LRSchedule before({}, 0.3, 10, 4), now = resumed("stretch");
  for (int64_t step = 0; step <= 25; ++step) EXPECT_EQ(now(step), before(step)) << step;
  for (int64_t step = 25; step < 70; step += 3) {  // 15 steps of the decay take 45
    EXPECT_NEAR(now(step), before(25 + (step - 25) / 3), 1e-15) << step;
  }
  EXPECT_LT(now(69), 0.001);
  EXPECT_EQ(now(70), 0);
  LRSchedule shorter({}, 0.3, 10, 4);
  EXPECT_NE(shorter.follow_length(20, 30, "stretch"), "");
  EXPECT_EQ(shorter(20), before(20));
  EXPECT_NEAR(shorter(25), before(30), 1e-15);
}

TEST(LRSchedule, AppendsStepsAtTheLastRate) {
  const LRSchedule before({}, 0.3, 10, 4), now = resumed("append");
  for (int64_t step = 0; step < 70; ++step) {
    EXPECT_EQ(now(step), before(std::min<int64_t>(step, 39))) << step;
  }
  EXPECT_GT(now(69), 0);
}

TEST(LRSchedule, OfAFinishedTrainingBecomesThatOfTheNewLength) {
  const LRSchedule before({}, 0.3, 10, 4), of_seven({}, 0.3, 10, 7);
  const LRSchedule now = resumed("stretch", 40), appended = resumed("append", 40);
  EXPECT_EQ(now(39), before(39));
  EXPECT_EQ(now(40), of_seven(40));
  EXPECT_EQ(appended(40), before(39));
}

TEST(LRSchedule, WithinTheWarmupAndWithoutALengthNothingIsStretched) {
  const ScheduleConfig warm{.warmup_epochs = 3}, step{.name = "step", .decay_epochs = 2};
  const LRSchedule of_seven(warm, 0.3, 10, 7), now = resumed("stretch", 25, warm);
  for (int64_t s = 0; s < 70; ++s) EXPECT_EQ(now(s), of_seven(s)) << s;
  const LRSchedule steps(step, 0.3, 10, 4), later = resumed("stretch", 25, step);
  for (int64_t s = 0; s < 70; ++s) EXPECT_EQ(later(s), steps(s)) << s;
  EXPECT_EQ(resumed("append", 25, step)(65), steps(39));
}

TEST(LRSchedule, GivesBackItsLengthsFromACheckpoint) {
  LRSchedule first = resumed("stretch");
  EXPECT_NE(first.follow_length(50, 90, "append"), "");
  EXPECT_NE(first.follow_length(60, 100, "stretch"), "");
  LRSchedule second({}, 0.3, 10, 10);
  second.load(first.state());
  for (int64_t step = 0; step < 110; ++step) EXPECT_EQ(second(step), first(step)) << step;
  EXPECT_EQ(second.follow_length(70, 100, "stretch"), "");  // as long as before
  EXPECT_EQ(second.follow_length(70, 70, "stretch"), "");   // done
  LRSchedule old({}, 0.3, 10, 10);
  old.load({});  // a checkpoint from before there were lengths
  EXPECT_EQ(old(50), LRSchedule({}, 0.3, 10, 10)(50));
}

TEST(LRSchedule, RefusesAnotherLengthOfCycles) {
  LRSchedule schedule({.cycles = 2}, 0.3, 10, 4);
  EXPECT_THROW(schedule.follow_length(25, 60, "stretch"), Error);
  EXPECT_THROW(schedule.follow_length(25, 60, "append"), Error);
  EXPECT_EQ(schedule.follow_length(25, 40, "stretch"), "");
}

}  // namespace
}  // namespace dtrain::optim
