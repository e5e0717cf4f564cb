// Ticks that people would have chosen.
#include "render/axis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace dtrain::render {
namespace {

std::vector<std::string> labels(const Axis& axis) {
  std::vector<std::string> found;
  for (const Tick& tick : axis.ticks) {
    if (!tick.label.empty()) found.push_back(tick.label);
  }
  return found;
}
using Labels = std::vector<std::string>;

TEST(Axis, EndsAtRoundNumbersAroundTheValues) {
  Axis axis = make_axis({0.13, 0.87}, {});
  EXPECT_DOUBLE_EQ(axis.low, 0.0);
  EXPECT_DOUBLE_EQ(axis.high, 1.0);
  EXPECT_EQ(labels(axis), (Labels{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
}

TEST(Axis, ATightOneEndsAtTheValuesAndHasRoundTicksBetween) {
  Axis axis = make_axis({1, 20}, {.tight = true, .integer = true});
  EXPECT_EQ(axis.low, 1);
  EXPECT_EQ(axis.high, 20);
  EXPECT_EQ(labels(axis), (Labels{"5", "10", "15", "20"}));
}

TEST(Axis, OfEpochsHasNoTickBetweenThem) {
  EXPECT_EQ(labels(make_axis({0, 1}, {.tight = true, .integer = true})), (Labels{"0", "1"}));
  EXPECT_EQ(labels(make_axis({3}, {.tight = true, .integer = true})), (Labels{"2", "3", "4"}));
}

TEST(Axis, OfEqualValuesHasRoomOnBothSides) {
  for (double value : {0.0, 5.0, -3.0, 1e-12, 1e12}) {
    Axis axis = make_axis({value, value}, {});
    EXPECT_LT(axis.low, value);
    EXPECT_GT(axis.high, value);
    EXPECT_GE(labels(axis).size(), 2u);
  }
}

TEST(Axis, WithoutValuesIsStillAnAxis) {
  EXPECT_EQ(labels(make_axis({}, {})).front(), "0");
  EXPECT_EQ(labels(make_axis({NAN, INFINITY}, {})).back(), "1.0");
  EXPECT_EQ(labels(make_axis({0.0, -1.0}, {.log = true})), (Labels{"0.1", "0.2", "0.5", "1"}));
}

TEST(Axis, LogHasDecadesAndOverFewOfThemAlsoTwoAndFive) {
  EXPECT_EQ(labels(make_axis({0.02, 3}, {.log = true})), (Labels{"0.01", "0.1", "1", "10"}));
  EXPECT_EQ(labels(make_axis({0.3, 4}, {.log = true})), (Labels{"0.2", "0.5", "1", "2", "5"}));
  EXPECT_EQ(labels(make_axis({0.02}, {.log = true})), (Labels{"0.01", "0.02", "0.05", "0.1"}));
  EXPECT_EQ(labels(make_axis({1e-12, 1}, {.log = true})).size(), 7u);
}

TEST(Axis, MapsItsEndsToZeroAndOne) {
  for (bool log : {false, true}) {
    Axis axis = make_axis({0.5, 70}, {.log = log});
    EXPECT_DOUBLE_EQ(axis.position(axis.low), 0);
    EXPECT_DOUBLE_EQ(axis.position(axis.high), 1);
  }
  Axis axis = make_axis({1, 100}, {.log = true});
  EXPECT_NEAR(axis.position(10), 0.5, 1e-12);
}

TEST(Axis, ShowsWhatCanBeDrawn) {
  Axis axis = make_axis({1, 2}, {});
  EXPECT_TRUE(axis.shows(-5));
  EXPECT_FALSE(axis.shows(NAN));
  EXPECT_FALSE(axis.shows(-INFINITY));
  EXPECT_FALSE(axis.shows(1e308));
  EXPECT_FALSE(make_axis({1, 2}, {.log = true}).shows(0));
}

TEST(Axis, AnyValuesLieWithinItAndTicksStayFew) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> exponent(-250, 250), mantissa(-1, 1);
  for (int round = 0; round < 2000; ++round) {
    const double low = mantissa(random) * std::pow(10, exponent(random));
    const double high = round % 3
                            ? low + std::abs(mantissa(random)) * std::pow(10, exponent(random))
                            : low * (1 + 1e-13);
    for (bool log : {false, true}) {
      for (bool tight : {false, true}) {
        Axis axis = make_axis({low, high}, {.log = log, .tight = tight});
        ASSERT_LT(axis.low, axis.high) << low << " " << high;
        ASSERT_LE(axis.ticks.size(), 600u);
        for (double value : {low, high}) {
          if (!axis.shows(value)) continue;
          ASSERT_GE(axis.position(value), -1e-6) << low << " " << high << " log " << log;
          ASSERT_LE(axis.position(value), 1 + 1e-6) << low << " " << high << " log " << log;
        }
      }
    }
  }
}

TEST(Axis, LabelsAreShort) {
  EXPECT_EQ(tick_label(0, 1), "0");
  EXPECT_EQ(tick_label(50, 10), "50");
  EXPECT_EQ(tick_label(0.25, 0.05), "0.25");
  EXPECT_EQ(tick_label(10000, 5000), "10k");
  EXPECT_EQ(tick_label(12500, 2500), "12.5k");
  EXPECT_EQ(tick_label(1500000, 500000), "1.5M");
  EXPECT_EQ(tick_label(0.00002, 0.00001), "2e-05");
  EXPECT_EQ(tick_label(-3, 1), "-3");
}

}  // namespace
}  // namespace dtrain::render
