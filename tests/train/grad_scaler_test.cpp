// The loss scale over time, against torch's GradScaler, and over ranks.
#include "train/grad_scaler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/golden.h"
#include "tests/support/mentions.h"
#include "tests/support/rank_threads.h"

namespace dtrain::train {
namespace {

using testing::GoldenJson;

bool overflows(const std::string& pattern, int64_t step, double scale) {
  if (pattern == "first_four") return step < 4;
  if (pattern == "every_701st") return step % 701 == 700;
  if (pattern == "above_2_to_17") return scale > 131072;
  if (pattern == "scattered") {
    return static_cast<uint32_t>(static_cast<uint64_t>(step) * 2654435761U) <
           (uint64_t{1} << 32) / 300;
  }
  if (pattern == "odd_factors") return step % 37 == 5 && scale > 50;
  return false;
}

GradScalerConfig config_of(const GoldenJson& settings) {
  GradScalerConfig config;
  config.init_scale = settings.value("init_scale", config.init_scale);
  config.growth_factor = settings.value("growth_factor", config.growth_factor);
  config.backoff_factor = settings.value("backoff_factor", config.backoff_factor);
  config.growth_interval = settings.value("growth_interval", config.growth_interval);
  return config;
}

void expect_course(const std::string& name, const GoldenJson& course, int64_t steps) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    GradScaler scaler(config_of(course.at("settings")), true);
    const auto& scales = course.at("scales");
    std::vector<int64_t> skipped;
    size_t changes = 0;
    for (int64_t step = 0; step < steps; ++step) {
      if (changes < scales.size() && scales[changes][0] == step) ++changes;
      ASSERT_EQ(scaler.scale(), scales[changes - 1][1].get<double>()) << name << " step " << step;
      const bool bad = overflows(name, step, scaler.scale());
      const at::Tensor gradient =
          at::full({3}, bad ? std::numeric_limits<float>::infinity() : 1.0F);
      const bool finite = scaler.unscale({gradient}, group);
      if (!finite) skipped.push_back(step);
      scaler.update(finite);
      if (step % 997 == 996) {  // as a resumed run does
        GradScaler other(config_of(course.at("settings")), true);
        other.load(scaler.state());
        scaler = other;
      }
    }
    EXPECT_EQ(changes, scales.size()) << name;
    EXPECT_EQ(skipped, course.at("skipped").get<std::vector<int64_t>>()) << name;
  });
}

TEST(GradScaler, TakesTheCourseOfTorchsOverFiveThousandUpdates) {
  const GoldenJson golden = testing::golden("amp.json");
  for (const auto& [name, course] : golden.at("courses").items()) {
    expect_course(name, course, golden.at("steps"));
  }
}

TEST(GradScaler, DividesGradientsByTheScale) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    GradScaler scaler({.init_scale = 8}, true);
    const at::Tensor gradient = at::full({2}, 4.0F);
    EXPECT_TRUE(scaler.unscale({gradient}, group));
    EXPECT_TRUE(at::equal(gradient, at::full({2}, 0.5F)));
    EXPECT_EQ(scaler.scale(at::ones({})).item<float>(), 8.0F);
  });
}

TEST(GradScaler, OverflowOnOneRankIsOneOnAll) {
  testing::on_rank_threads(3, [&](const dist::ProcessGroup& group) {
    GradScaler scaler({}, true);
    const double value = group.rank() == 1 ? std::numeric_limits<double>::quiet_NaN() : 1.0;
    EXPECT_FALSE(scaler.unscale({at::full({2}, value, at::kFloat)}, group));
    EXPECT_TRUE(scaler.unscale({at::ones({2})}, group));
  });
}

TEST(GradScaler, GivesUpAfterTwentySkipsInARowAtItsFloor) {
  GradScaler scaler({.init_scale = 4, .min_scale = 1}, true);
  scaler.update(false);
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), 1.0);
  for (int64_t skip = 1; skip < GradScaler::kMaxSkipsAtFloor; ++skip) scaler.update(false);
  scaler.update(true);  // one that fits begins the count anew
  for (int64_t skip = 1; skip < GradScaler::kMaxSkipsAtFloor; ++skip) scaler.update(false);
  EXPECT_EQ(scaler.scale(), 1.0);
  try {
    scaler.update(false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_EQ(error.subject(), "loss scale");
  }
}

TEST(GradScaler, DisabledChangesNothing) {
  GradScaler scaler({}, false);
  const at::Tensor loss = at::ones({});
  EXPECT_TRUE(scaler.scale(loss).is_same(loss));
  for (int i = 0; i < 100; ++i) scaler.update(false);
  EXPECT_EQ(scaler.scale(), 1.0);
}

}  // namespace
}  // namespace dtrain::train
