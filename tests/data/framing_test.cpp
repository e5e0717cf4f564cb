// Which part of a picture is taken, and that the fast way gives what the exact one does.
#include "data/framing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "data/transforms/transform.h"
#include "image/orientation.h"
#include "tests/support/pictures.h"

namespace dtrain::data {
namespace {

using dtrain::testing::bytes_of;
using dtrain::testing::difference;
using dtrain::testing::kPictures;
using dtrain::testing::read_ppm;

util::CounterRng rng_of(int64_t sample) { return {1, kPartStream, 0, sample}; }

FramingParameters parameters(int64_t size, bool random, bool exact = false) {
  FramingParameters p;
  p.shape = {size, size, 3};
  using Part = FramingParameters::Part;
  p.part = random ? Part::kRandomArea : Part::kAnchored;
  p.resize = size * 8 / 7;
  p.exact = exact;
  return p;
}

Image framed(const FramingParameters& p, const std::string& file, int64_t id) {
  Sample sample;
  sample.encoded = bytes_of(kPictures / file);
  sample.id = id;
  FramingScratch scratch;
  auto rng = rng_of(id);
  Image image;
  frame(p, sample, image, scratch, rng);
  return image;
}

TEST(DrawPart, AreaIsUniformAndRatioIsUniformInItsLogarithm) {
  const auto p = parameters(32, true);
  constexpr int kDraws = 20000, kBins = 8;
  std::array<int, kBins> areas{}, ratios{};
  int fitting = 0;
  for (int64_t id = 0; id < kDraws; ++id) {
    auto rng = rng_of(id);
    // So wide a picture that nearly no try fails for its width, and one so large that rounding to
    // pixels does not matter.
    const auto part = draw_part(4000, 4000, p, rng);
    ASSERT_TRUE(part.left >= 0 && part.top >= 0 && part.width > 0 && part.height > 0);
    ASSERT_TRUE(part.left + part.width <= 4000 && part.top + part.height <= 4000);
    const double area = double(part.width * part.height) / 16e6;
    const double ratio = std::log(double(part.width) / double(part.height));
    ASSERT_GT(area, 0.0795);
    ASSERT_LT(std::abs(ratio), std::log(4.0 / 3.0) + 1e-3);
    if (area > 0.7) continue;  // larger ones fail more often when they are not square
    ++fitting;
    ++areas[size_t(std::clamp<double>((area - 0.08) / 0.62 * kBins, 0, kBins - 1))];
    ++ratios[size_t(
        std::clamp<double>((ratio / std::log(4.0 / 3.0) + 1) / 2 * kBins, 0, kBins - 1))];
  }
  for (const auto& bins : {areas, ratios}) {
    double chi2 = 0;
    const double expected = double(fitting) / kBins;
    for (const int count : bins) chi2 += (count - expected) * (count - expected) / expected;
    EXPECT_LT(chi2, 24.3);  // 7 degrees of freedom, 0.1 %
  }
}

TEST(DrawPart, TakesTheMiddleOfPicturesThatAreTooNarrow) {
  auto p = parameters(32, true);
  p.scale_low = p.scale_high = 1.0;
  auto rng = rng_of(0);
  EXPECT_EQ(draw_part(1000, 100, p, rng), (image::Rectangle{433, 0, 133, 100}));
  EXPECT_EQ(draw_part(100, 1000, p, rng), (image::Rectangle{0, 433, 100, 133}));
}

TEST(MiddlePart, IsThatOfResizeAndCenterCrop) {
  // torchvision: 512 x 400 -> 327 x 256 -> the middle 224 x 224, from (52, 16) on.
  FramingParameters p = parameters(224, false);
  const image::Box box = anchored_part(512, 400, p);
  EXPECT_NEAR(box.left, 52 * 512.0 / 327, 1e-9);
  EXPECT_NEAR(box.top, 16 * 400.0 / 256, 1e-9);
  EXPECT_NEAR(box.width, 224 * 512.0 / 327, 1e-9);
  EXPECT_NEAR(box.height, 224 * 400.0 / 256, 1e-9);
}

TEST(Frame, IsTheSameFromEncodedAndFromDecodedPictures) {
  for (const bool random : {true, false}) {
    for (int64_t id = 0; id < 20; ++id) {
      const auto p = parameters(40, random, /*exact=*/true);
      Sample sample;
      sample.image = read_ppm(kPictures / "photo.ppm");
      sample.id = id;
      FramingScratch scratch;
      auto rng = rng_of(id);
      Image image;
      frame(p, sample, image, scratch, rng);
      EXPECT_EQ(image.pixels, framed(p, "photo.png", id).pixels);
    }
  }
}

TEST(Frame, OfAPartAtReducedSizeIsCloseToTheExactOne) {
  for (const char* file :
       {"jpeg_444.jpg", "jpeg_420.jpg", "jpeg_orientation_6.jpg", "jpeg_cmyk.jpg"}) {
    for (const int64_t size : {8, 16, 32, 64}) {
      double sum = 0;
      for (int64_t id = 0; id < 20; ++id) {
        sum += difference(framed(parameters(size, true), file, id),
                          framed(parameters(size, true, true), file, id))
                   .mean;
      }
      EXPECT_LT(sum / 20, 2.5) << file << " " << size;
    }
  }
}

TEST(Frame, OfOtherFormatsIsThatOfTheirPixels) {
  for (const char* name : {"webp_lossless.webp",
                           "tiff_cmyk.tif",
                           "bmp_565.bmp",
                           "gif.gif",
                           "jpeg2000.jp2",
                           "pnm_16_bit.ppm"}) {
    const std::string file = std::string("../formats/") + name;
    const std::string pixels = file.substr(0, file.rfind('.')) + ".png";
    for (const bool random : {false, true}) {
      const auto p = parameters(14, random);
      EXPECT_LE(difference(framed(p, file, 3), framed(p, pixels, 3)).largest, 2) << name;
    }
  }
}

TEST(Frame, TurnsPicturesAsTheyAreShown) {
  // The same part of the same picture, stored in eight ways.
  Sample shown;
  FramingScratch scratch;
  for (int64_t orientation = 1; orientation <= 8; ++orientation) {
    const std::string name = "jpeg_orientation_" + std::to_string(orientation);
    Sample sample;
    sample.image = read_ppm(kPictures / (name + ".ppm"));
    auto rng = rng_of(5);
    Image image;
    frame(parameters(30, true, true), sample, image, scratch, rng);
    EXPECT_LE(difference(framed(parameters(30, true, true), name + ".jpg", 5), image).mean, 0.6)
        << orientation;
  }
}

}  // namespace
}  // namespace dtrain::data
