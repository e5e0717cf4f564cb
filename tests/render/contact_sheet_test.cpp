// Sheets of small images with their labels.
#include "render/contact_sheet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "render/text.h"

namespace dtrain::render {
namespace {

Image plain(int64_t side, int64_t channels, uint8_t level) {
  Image image{side, side, channels, {}};
  image.pixels.assign(static_cast<size_t>(side * side * channels), level);
  return image;
}

int64_t count(const Image& image, uint8_t red, uint8_t green, uint8_t blue) {
  int64_t found = 0;
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    found += image.pixels[i] == red && image.pixels[i + 1] == green && image.pixels[i + 2] == blue;
  }
  return found;
}

TEST(ContactSheet, ShowsEveryImageInFullSmallOnesEnlargedByWholeNumbers) {
  Image red = plain(100, 3, 0);
  for (size_t i = 0; i < red.pixels.size(); i += 3) red.pixels[i] = 200;
  const Image sheet = render({"title", {}, {{"a", {red, plain(28, 1, 77)}}, {"b", {red}}}});
  EXPECT_EQ(sheet.channels, 3);
  EXPECT_EQ(sheet.pixels.size(), static_cast<size_t>(sheet.width * sheet.height * 3));
  EXPECT_EQ(count(sheet, 200, 0, 0), 2 * 100 * 100);
  EXPECT_EQ(count(sheet, 77, 77, 77), 112 * 112);
}

TEST(ContactSheet, WithoutRowsIsItsTitle) {
  const Image sheet = render({"nothing", {"evaluation"}, {}});
  EXPECT_GT(sheet.width * sheet.height, 0);
}

TEST(TextWriter, DrawsInsideItsLineAndNeverOutsideOfTheImage) {
  const TextWriter text(13);
  ASSERT_TRUE(text.available()) << "install fonts-dejavu-core";
  Image image = plain(120, 3, 255);
  text.draw(image, "Caf\xc3\xa9 \xff \xe2\x82", 10, 20, 100, 0);
  int64_t left = 120, right = 0, top = 120, bottom = 0;
  for (int64_t y = 0; y < 120; ++y) {
    for (int64_t x = 0; x < 120; ++x) {
      if (image.pixels[static_cast<size_t>((y * 120 + x) * 3)] > 200) continue;
      left = std::min(left, x), right = std::max(right, x);
      top = std::min(top, y), bottom = std::max(bottom, y);
    }
  }
  EXPECT_GE(left, 9);
  EXPECT_LT(right, 100);
  EXPECT_GE(top, 20);
  EXPECT_LE(bottom, 20 + text.line_height());
  text.draw(image, std::string(500, 'W'), -50, -10, 1000, 0);
  text.draw(image, "below", 0, 118, 1000, 0);
}

}  // namespace
}  // namespace dtrain::render
