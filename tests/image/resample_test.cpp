// Resizing against Pillow's antialiased bilinear filter.
#include "image/resample.h"

#include <gtest/gtest.h>

#include <sstream>

#include "image/decoder.h"
#include "tests/support/pictures.h"

namespace dtrain::image {
namespace {

using dtrain::testing::bytes_of;
using dtrain::testing::difference;
using dtrain::testing::kPictures;
using dtrain::testing::read_ppm;

Image photo() {
  Image image;
  decode_all(bytes_of(kPictures / "photo.png"), 3, image);
  return image;
}

TEST(Resample, IsPillowsToOneLevel) {
  const Image from = photo();
  std::ifstream list(kPictures / "resize.txt");
  ResampleScratch scratch;
  int count = 0;
  for (std::string line; std::getline(list, line); ++count) {
    std::istringstream in(line);
    Box box;
    int64_t height = 0, width = 0;
    std::string file;
    in >> box.left >> box.top >> box.width >> box.height >> height >> width >> file;
    Image to;
    resample(from, box, {0, 0, 90, 70}, height, width, to, scratch);
    const auto found = difference(to, read_ppm(kPictures / file));
    EXPECT_LE(found.largest, 1) << line;
    EXPECT_LE(found.mean, 0.5) << line;
  }
  EXPECT_EQ(count, 8);
}

TEST(Resample, WithTheBoundsOfItsBoxIsThatOfTheCutImage) {
  const Image from = photo();
  Image cut, expected, found;
  cut.resize({41, 53, 3});
  for (int64_t y = 0; y < 41; ++y) {
    std::copy_n(from.row(7 + y) + 11 * 3, 53 * 3, cut.row(y));
  }
  ResampleScratch scratch;
  resample(cut, {0, 0, 53, 41}, {0, 0, 53, 41}, 24, 24, expected, scratch);
  resample(from, {11, 7, 53, 41}, {11, 7, 53, 41}, 24, 24, found, scratch);
  EXPECT_EQ(found.pixels, expected.pixels);
}

TEST(Resample, GreyIsOneChannelOfColour) {
  const Image from = photo();
  Image grey, colour, one;
  one.resize({70, 90, 1});
  for (size_t i = 0; i < one.pixels.size(); ++i) one.pixels[i] = from.pixels[3 * i + 1];
  ResampleScratch scratch;
  resample(one, {3, 4, 80, 60}, {0, 0, 90, 70}, 20, 30, grey, scratch);
  resample(from, {3, 4, 80, 60}, {0, 0, 90, 70}, 20, 30, colour, scratch);
  for (size_t i = 0; i < grey.pixels.size(); ++i)
    ASSERT_EQ(grey.pixels[i], colour.pixels[3 * i + 1]);
}

}  // namespace
}  // namespace dtrain::image
