// The best evaluation: larger or smaller, and never what is not a number.
#include "train/best.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace dtrain::train {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Best, TakesTheLargestOrTheSmallestAsTheMetricSays) {
  Best top1, loss{.metric = "loss", .more_is_better = false};
  EXPECT_TRUE(top1.observe(50, 0));
  EXPECT_FALSE(top1.observe(50, 1));  // the first of equals stays
  EXPECT_TRUE(top1.observe(51, 2));
  EXPECT_EQ(top1.epoch, 2);
  EXPECT_TRUE(loss.observe(2, 0));
  EXPECT_TRUE(loss.observe(1, 1));
  EXPECT_FALSE(loss.observe(3, 2));
  EXPECT_EQ(loss.epoch, 1);
  EXPECT_EQ(loss.evaluations_since, 1);
}

TEST(Best, IsNeverWhatIsNotFinite) {
  for (const bool more : {false, true}) {
    Best best{.more_is_better = more};
    for (const double bad : {kNan, HUGE_VAL, -HUGE_VAL}) EXPECT_FALSE(best.observe(bad, 0));
    EXPECT_EQ(best.epoch, -1);
    EXPECT_EQ(best.evaluations_since, 3);
    EXPECT_TRUE(best.observe(1, 3));
    EXPECT_FALSE(best.observe(kNan, 4));
    EXPECT_EQ(best.value, 1);
  }
}

}  // namespace
}  // namespace dtrain::train
