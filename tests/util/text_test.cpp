// Numbers, lists and quotes as text.
#include "util/text.h"

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace dtrain::util {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Text, FormattedIsPrintfs) {
  EXPECT_EQ(formatted("nothing"), "nothing");
  EXPECT_EQ(formatted("%s", ""), "");
  EXPECT_EQ(formatted("[%*d/%lld (%3.0f%%)]", 4, 7, 1234LL, 5.0), "[   7/1234 (  5%)]");
  EXPECT_EQ(formatted("%.2f %.3e %#.3g", kNan, kInfinity, 2.0), "nan inf 2.00");
}

TEST(Text, FormattedTextHasNoLongestLength) {
  for (const size_t length : {126U, 127U, 128U, 129U, 255U, 256U, 257U, 100000U}) {
    const std::string text(length, 'x');
    EXPECT_EQ(formatted("%s", text.c_str()), text) << length;
    EXPECT_EQ(formatted("<%s|%d>", text.c_str(), 42), "<" + text + "|42>") << length;
  }
  EXPECT_EQ(formatted("%.1f", std::numeric_limits<double>::max()).size(), 311U);
}

TEST(Text, WhatIsNotFiniteIsNoNumber) {
  EXPECT_EQ(number(98.76543, "%.3f"), "98.765");
  EXPECT_EQ(number(-0.0, "%.1f"), "-0.0");
  EXPECT_EQ(number(kNan, "%.3f"), "-");
  EXPECT_EQ(number(-kNan, "%.3f", ""), "");
  EXPECT_EQ(number(kInfinity, "%.3f"), "-");
  EXPECT_EQ(number(-kInfinity, "%.3f", "none"), "none");
}

TEST(Text, TheShortestTextReadsBackAsTheSameNumber) {
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(3), "3");
  EXPECT_EQ(number_text(1e-5), "1e-05");
  EXPECT_EQ(number_text(65536), "65536");
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(-0.0), "-0");
  EXPECT_EQ(number_text(kInfinity), "inf");
  EXPECT_EQ(number_text(-kInfinity), "-inf");
  EXPECT_EQ(number_text(kNan), "nan");
  EXPECT_EQ(number_text(-kNan), "nan");
  for (const double value : {1.0 / 3, -2e-308, 5e-324, std::numeric_limits<double>::max()}) {
    const std::string text = number_text(value);
    double read = 0;
    std::from_chars(text.data(), text.data() + text.size(), read);
    EXPECT_EQ(read, value) << text;
  }
}

TEST(Text, ZerosAreDroppedBehindThePointOnly) {
  EXPECT_EQ(without_trailing_zeros("0.50"), "0.5");
  EXPECT_EQ(without_trailing_zeros("-3.00"), "-3");
  EXPECT_EQ(without_trailing_zeros("0.00"), "0");
  EXPECT_EQ(without_trailing_zeros("100"), "100");
  EXPECT_EQ(without_trailing_zeros("2.0e-05"), "2.0e-05");
  EXPECT_EQ(without_trailing_zeros("nan"), "nan");
  EXPECT_EQ(without_trailing_zeros(""), "");
}

TEST(Text, AClockShowsWholeSeconds) {
  EXPECT_EQ(clock_text(0), "0:00:00");
  EXPECT_EQ(clock_text(-0.0), "0:00:00");
  EXPECT_EQ(clock_text(59.999), "0:00:59");
  EXPECT_EQ(clock_text(3723.9), "1:02:03");
  EXPECT_EQ(clock_text(360000), "100:00:00");
  for (const double no_time : {kNan, kInfinity, -1.0, 1e300}) {
    EXPECT_EQ(clock_text(no_time), "-") << no_time;
  }
}

TEST(Text, Extents) {
  EXPECT_EQ(extents({}), "");
  EXPECT_EQ(extents({7}), "7");
  EXPECT_EQ(extents({2, 3, 4}), "2 x 3 x 4");
  EXPECT_EQ(extents({-1, 0, std::numeric_limits<int64_t>::max()}), "any x 0 x 9223372036854775807");
}

TEST(Text, QuotesSurroundAndNoMore) {
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("a \"b\"\n"), "\"a \"b\"\n\"");
}

TEST(Text, SeparatorsStandBetweenEmptyElementsToo) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(joined(Texts{}, ", "), "");
  EXPECT_EQ(joined(Texts{"a"}, ", "), "a");
  EXPECT_EQ(joined(Texts{"", "b", ""}, "|"), "|b|");
  EXPECT_EQ(joined(std::vector<int64_t>{1, -2, 3}, ","), "1,-2,3");
  EXPECT_EQ(joined(std::vector<double>{0.5, 1}, "/"), "0.5/1");
  EXPECT_EQ(joined(std::array<const char*, 2>{"a", "b"},
                   " ",
                   [](const char* one) { return std::string(one) + "!"; }),
            "a! b!");
}

}  // namespace
}  // namespace dtrain::util
