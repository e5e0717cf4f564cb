// Confusion matrices and reliability diagrams, as SVG and as pixels.
#include "render/drawing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "render/heatmap.h"
#include "render/reliability.h"
#include "tests/support/mentions.h"

namespace dtrain::render {
namespace {

using dtrain::testing::mentions;

Heatmap heatmap_of(int64_t classes) {
  Heatmap heatmap{.title = "Confusion",
                  .row_label = "target",
                  .column_label = "predicted",
                  .names = {},
                  .counts = {}};
  for (int64_t k = 0; k < classes; ++k) heatmap.names.push_back("class <" + std::to_string(k));
  heatmap.counts.resize(size_t(classes * classes));
  std::iota(heatmap.counts.begin(), heatmap.counts.end(), 0);
  return heatmap;
}

std::array<int, 3> pixel(const Image& image, int64_t x, int64_t y) {
  const auto at = size_t((y * image.width + x) * 3);
  return {image.pixels[at], image.pixels[at + 1], image.pixels[at + 2]};
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Drawing, HasTheSameShapesAsSvgAndAsPixels) {
  Drawing drawing(60, 40, "a title");
  drawing.rect({10, 5, 20, 10}, Ink::kFirst);
  drawing.rect({40, 5, 10, 10}, Ink::kFirst, 0.5);
  drawing.line({0, 30}, {59, 30}, Ink::kAxis);
  const std::string svg = drawing.svg();
  EXPECT_TRUE(mentions(svg,
                       {"<title>a title</title>",
                        "<rect class=\"c0\" x=\"10\" y=\"5\" width=\"20\" height=\"10\"/>",
                        "fill-opacity=\"0.5\"",
                        "<line class=\"axis\" x1=\"0\" y1=\"30\" x2=\"59\" y2=\"30\"/>",
                        "prefers-color-scheme: dark"}));
  const Image image = drawing.image();
  EXPECT_EQ(image.width, 60);
  EXPECT_EQ(image.height, 40);
  EXPECT_EQ(pixel(image, 0, 0), (std::array<int, 3>{255, 255, 255}));
  EXPECT_EQ(pixel(image, 10, 5), (std::array<int, 3>{0x00, 0x72, 0xB2}));
  EXPECT_EQ(pixel(image, 29, 14), (std::array<int, 3>{0x00, 0x72, 0xB2}));
  EXPECT_EQ(pixel(image, 30, 14), (std::array<int, 3>{255, 255, 255}));
  EXPECT_EQ(pixel(image, 45, 10), (std::array<int, 3>{128, 185, 217}));
  EXPECT_EQ(pixel(image, 59, 30), (std::array<int, 3>{0x57, 0x60, 0x6A}));
}

TEST(Drawing, TurnsTextThatIsVertical) {
  Drawing level(80, 80, ""), upright(80, 80, "");
  level.text({10, 40}, "lllllll");
  upright.text({40, 70}, "lllllll", {.is_vertical = true});
  const auto extent = [](const Image& image) {
    int64_t left = image.width, right = 0, top = image.height, bottom = 0;
    for (int64_t y = 0; y < image.height; ++y) {
      for (int64_t x = 0; x < image.width; ++x) {
        if (pixel(image, x, y)[0] > 200) continue;
        left = std::min(left, x), right = std::max(right, x);
        top = std::min(top, y), bottom = std::max(bottom, y);
      }
    }
    return std::pair{right - left, bottom - top};
  };
  const auto [width, height] = extent(level.image());
  EXPECT_GT(width, height);
  EXPECT_EQ(extent(upright.image()), (std::pair{height, width}));
}

TEST(Heatmap, WritesNamesAndCountsOfFewClasses) {
  const std::string svg = draw(heatmap_of(3)).svg();
  EXPECT_EQ(count_of(svg, "class &lt;2</text>"), 2U);
  EXPECT_EQ(count_of(svg, ">7</text>"), 1U);
  EXPECT_EQ(count_of(svg, "class=\"heat\""), 8U);  // the first count is zero
}

TEST(Heatmap, OfManyClassesStaysSmall) {
  const Drawing drawing = draw(heatmap_of(1000));
  EXPECT_LT(drawing.svg().size(), 1'000'000U);
  EXPECT_EQ(count_of(drawing.svg(), "class=\"heat\""), 96U * 96U);
  EXPECT_LT(drawing.image().width, 700);
}

TEST(Heatmap, ShowsEmptyRowsAndNoClasses) {
  Heatmap empty = heatmap_of(2);
  empty.counts = {0, 0, 0, 5};
  EXPECT_EQ(count_of(draw(empty).svg(), "class=\"heat\""), 1U);
  EXPECT_FALSE(draw(heatmap_of(0)).svg().empty());
}

TEST(Reliability, ShowsAccuracyGapAndCounts) {
  ReliabilityPanel panel{.title = "before", .bins = std::vector<ReliabilityPanel::Bin>(10)};
  panel.bins[8] = {.count = 30, .confidence = 0.85, .accuracy = 0.6};
  panel.bins[9] = {.count = 70, .confidence = 0.95, .accuracy = 1.0};
  const std::string svg = draw("Reliability", {panel, panel}).svg();
  EXPECT_EQ(count_of(svg, "<rect class=\"c1\""), 4U);
  EXPECT_EQ(count_of(svg, "<rect class=\"c0\""), 8U);
  EXPECT_EQ(count_of(svg, ">before</text>"), 2U);
  EXPECT_EQ(count_of(svg, "nan"), 0U);
}

TEST(Reliability, HasRoomForNothing) {
  EXPECT_FALSE(draw("Reliability", {}).svg().empty());
  EXPECT_FALSE(draw("Reliability", {ReliabilityPanel{}}).image().pixels.empty());
}

}  // namespace
}  // namespace dtrain::render
