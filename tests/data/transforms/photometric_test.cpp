// Operations on values and neighbourhoods against torchvision on Pillow images, and colour jitter.
#include "data/transforms/photometric.h"

#include <cmath>
#include <map>
#include <set>

#include "data/transforms/color_jitter.h"
#include "data/transforms/filters.h"
#include "tests/data/transforms/augment_golden.h"

namespace dtrain::data {
namespace {

using testing::augment_cases;
using testing::AugmentCase;
using testing::chi_square;
using testing::expect_golden;
using util::CounterRng;

CounterRng photometric_rng(int64_t sample) { return {3, util::RandomStream::kTest, 0, sample}; }

void expect_same(const std::string& operation, void (*change)(Image&, double)) {
  expect_golden("photometric", operation, [&](Image& image, const AugmentCase& c) {
    change(image, c.arguments.empty() ? 0 : c.arguments[0]);
  });
}

TEST(Photometric, FactorsAreTorchvisionsBitForBit) {
  expect_same("adjust_brightness", adjust_brightness);
  expect_same("adjust_contrast", adjust_contrast);
  expect_same("adjust_saturation", adjust_saturation);
}

TEST(Photometric, HueIsTorchvisionsBitForBit) { expect_same("adjust_hue", adjust_hue); }

TEST(Photometric, TablesOfLevelsAreTorchvisionsBitForBit) {
  expect_same("posterize", [](Image& image, double bits) { posterize(image, int64_t(bits)); });
  expect_same("solarize", solarize);
  expect_same("invert", [](Image& image, double) { invert(image); });
}

TEST(Photometric, HistogramOperationsAreTorchvisionsBitForBit) {
  expect_same("autocontrast", [](Image& image, double) { autocontrast(image); });
  expect_same("equalize", [](Image& image, double) { equalize(image); });
}

TEST(Photometric, GrayscaleIsTorchvisionsBitForBitAndKeepsItsChannels) {
  expect_same("to_grayscale", [](Image& image, double) { to_grayscale(image); });
}

TEST(Photometric, GreyImagesHaveNeitherSaturationNorHue) {
  const Image grey = augment_cases("photometric", "invert").back().input;
  ASSERT_EQ(grey.shape.channels, 1);
  Image image = grey;
  adjust_saturation(image, 0);
  adjust_hue(image, 0.3);
  to_grayscale(image);
  EXPECT_EQ(image.pixels, grey.pixels);
}

TEST(Photometric, GrayscaleHappensWithItsProbability) {
  constexpr int64_t kDraws = 10000;
  int64_t grey = 0;
  for (int64_t id = 0; id < kDraws; ++id) {
    Image image;
    image.resize({1, 1, 3});
    image.pixels = {1, 2, 200};
    CounterRng rng = photometric_rng(id);
    random_grayscale(image, 0.2, rng);
    grey += image.pixels[0] == image.pixels[2];
  }
  EXPECT_NEAR(double(grey), 0.2 * kDraws, 4 * std::sqrt(kDraws * 0.2 * 0.8));
}

TEST(Filters, SharpnessIsTorchvisionsBitForBit) {
  Image scratch;
  expect_golden("photometric", "adjust_sharpness", [&](Image& image, const AugmentCase& c) {
    adjust_sharpness(image, scratch, c.arguments[0]);
  });
}

TEST(Filters, GaussianBlurIsTorchvisionsButForValuesHalfWayBetweenLevels) {
  Image scratch;
  for (const AugmentCase& c : augment_cases("photometric", "gaussian_blur")) {
    Image image = c.input;
    gaussian_blur(image, scratch, int64_t(c.arguments[0]), c.arguments[1]);
    const auto found = testing::difference(image, c.result);
    EXPECT_LE(found.largest, 1) << c.name();
    EXPECT_LE(found.mean, 1e-3) << c.name();
  }
}

TEST(Filters, SigmaOfTheBlurIsUniformInItsRange) {
  // One bright pixel: after the blur its value tells sigma.
  Image dot;
  dot.resize({7, 7, 1});
  dot.row(3)[3] = 255;
  std::set<int> middle;
  for (int64_t id = 0; id < 300; ++id) {
    Image image = dot, scratch;
    CounterRng rng = photometric_rng(id);
    random_gaussian_blur(image, scratch, 3, 0.5, 1.5, rng);
    middle.insert(image.row(3)[3]);
  }
  Image narrow = dot, wide = dot, scratch;
  gaussian_blur(narrow, scratch, 3, 0.5);
  gaussian_blur(wide, scratch, 3, 1.5);
  EXPECT_LE(*middle.rbegin(), narrow.row(3)[3]);
  EXPECT_GE(*middle.rbegin(), narrow.row(3)[3] - 5);
  EXPECT_GE(*middle.begin(), wide.row(3)[3]);
  EXPECT_LE(*middle.begin(), wide.row(3)[3] + 1);
}

// ---- colour jitter ----------------------------------------------------------------------------

TEST(ColorJitter, TakesRangesAroundTheNeutralFactorAsTorchvision) {
  const ColorJitterParameters p = color_jitter(0.4, 1.5, 0, 0.1);
  EXPECT_DOUBLE_EQ(p.brightness.low, 0.6);
  EXPECT_DOUBLE_EQ(p.brightness.high, 1.4);
  EXPECT_EQ(p.contrast.low, 0);  // not below
  EXPECT_EQ(p.contrast.high, 2.5);
  EXPECT_EQ(p.saturation.low, 1);
  EXPECT_EQ(p.saturation.high, 1);
  EXPECT_EQ(p.hue.low, -0.1);
  EXPECT_EQ(p.hue.high, 0.1);
}

TEST(ColorJitter, OrdersAreUniformAndFactorsFillTheirRanges) {
  constexpr int64_t kDraws = 24000, kParts = 10;
  const ColorJitterParameters parameters{{0.6, 1.4}, {0, 2}, {1, 1.5}, {-0.1, 0.2}};
  const JitterRange ranges[] = {
      parameters.brightness, parameters.contrast, parameters.saturation, parameters.hue};
  std::map<std::array<Adjustment, 4>, int64_t> orders;
  std::vector<std::vector<int64_t>> parts(4, std::vector<int64_t>(kParts));
  for (int64_t id = 0; id < kDraws; ++id) {
    CounterRng rng = photometric_rng(id);
    const ColorJitterDraw draw = draw_color_jitter(parameters, rng);
    ++orders[draw.order];
    for (size_t i = 0; i < 4; ++i) {
      const double share = (draw.factors[i] - ranges[i].low) / (ranges[i].high - ranges[i].low);
      ASSERT_TRUE(share >= 0 && share <= 1) << i;
      ++parts[i].at(size_t(std::min<double>(share * kParts, kParts - 1)));
    }
  }
  ASSERT_EQ(orders.size(), 24u);
  std::vector<int64_t> counts;
  for (const auto& [order, count] : orders) counts.push_back(count);
  EXPECT_LT(chi_square(counts), 49.7);  // 23 degrees of freedom: 99.9 %
  for (const auto& part : parts) EXPECT_LT(chi_square(part), 27.9);  // 9 degrees
}

TEST(ColorJitter, AppliesItsFactorsInTheDrawnOrder) {
  const Image photo = augment_cases("photometric", "invert").front().input;
  const ColorJitterDraw draw{
      {Adjustment::kHue, Adjustment::kSaturation, Adjustment::kContrast, Adjustment::kBrightness},
      {1.3, 0.7, 1.2, -0.1}};
  Image image = photo, expected = photo;
  apply_color_jitter(image, draw);
  adjust_hue(expected, -0.1);
  adjust_saturation(expected, 1.2);
  adjust_contrast(expected, 0.7);
  adjust_brightness(expected, 1.3);
  EXPECT_EQ(image.pixels, expected.pixels);
  Image turned = photo;
  apply_color_jitter(
      turned,
      {{Adjustment::kBrightness, Adjustment::kContrast, Adjustment::kSaturation, Adjustment::kHue},
       draw.factors});
  EXPECT_NE(turned.pixels, image.pixels);
}

TEST(ColorJitter, NeutralFactorsChangeNothing) {
  const Image photo = augment_cases("photometric", "invert").front().input;
  Image image = photo;
  CounterRng rng = photometric_rng(0);
  random_color_jitter(image, {}, rng);  // a hue of 0 would still round values on its way
  EXPECT_EQ(image.pixels, photo.pixels);
}

}  // namespace
}  // namespace dtrain::data
