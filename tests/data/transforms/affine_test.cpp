// Rotations, shears and shifts against torchvision on Pillow images, and crops of a given size.
#include "data/transforms/affine.h"

#include <cmath>
#include <map>

#include "data/transforms/geometric.h"
#include "tests/data/transforms/augment_golden.h"

namespace dtrain::data {
namespace {

using testing::AugmentCase;
using testing::chi_square;
using testing::expect_golden;
using util::CounterRng;

CounterRng rng_for(int64_t sample) { return {5, util::RandomStream::kTest, 0, sample}; }

TEST(Affine, RotationIsTorchvisionsBitForBitWithBothInterpolations) {
  Image scratch;
  expect_golden("geometric", "rotate", [&](Image& image, const AugmentCase& c) {
    rotate(image, scratch, c.arguments[0], c.options);
  });
}

TEST(Affine, ShearRotationAndShiftTogetherAreTorchvisionsBitForBit) {
  Image scratch;
  expect_golden("geometric", "affine", [&](Image& image, const AugmentCase& c) {
    const auto& a = c.arguments;
    affine(image, scratch, {a[0], a[1], a[2], a[3], a[4]}, c.options);
  });
}

TEST(Affine, ShowsTheFillWhereTheImageHasGoneAltogether) {
  for (const int64_t channels : {1, 3}) {
    for (const auto mode : {Interpolation::kNearest, Interpolation::kBilinear}) {
      for (const double shift : {-9.0, 9.0, 1e6}) {
        Image image, scratch, expected;
        image.resize({3, 4, channels});
        expected.resize({3, 4, channels});
        for (size_t i = 0; i < expected.pixels.size(); ++i) {
          expected.pixels[i] = uint8_t(5 + i % size_t(channels));
        }
        affine(image, scratch, {.translate_x = shift}, {mode, {5, 6, 7}});
        EXPECT_EQ(image.pixels, expected.pixels) << shift;
      }
    }
  }
}

TEST(Affine, AShiftMovesWholePixels) {
  Image image, scratch;
  image.resize({2, 3, 1});
  image.pixels = {1, 2, 3, 4, 5, 6};
  affine(image, scratch, {.translate_x = 1, .translate_y = -1});
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{0, 4, 5, 0, 0, 0}));
}

TEST(Affine, AnglesOfTheRandomRotationAreUniform) {
  // Where one bright pixel, far from the middle, comes to lie tells the angle.
  constexpr int64_t kDraws = 4000, kParts = 8;
  Image far;
  far.resize({101, 101, 1});
  far.row(50)[98] = 255;
  std::vector<int64_t> parts(kParts);
  for (int64_t id = 0; id < kDraws; ++id) {
    Image image = far, scratch;
    CounterRng rng = rng_for(id), same = rng_for(id);
    random_rotation(image, scratch, -20, 60, {}, rng);
    const double angle = same.uniform(-20, 60);
    Image expected = far;
    rotate(expected, scratch, angle);
    ASSERT_EQ(image.pixels, expected.pixels);
    ++parts.at(size_t((angle + 20) / 80 * kParts));
  }
  EXPECT_LT(chi_square(parts), 24.3);  // 7 degrees of freedom: 99.9 %
}

TEST(Crop, InTheMiddleIsTorchvisions) {
  Image scratch;
  expect_golden("photometric", "center_crop", [&](Image& image, const AugmentCase& c) {
    center_crop(image, scratch, int64_t(c.arguments[0]), int64_t(c.arguments[1]));
  });
}

TEST(Crop, OfAGivenSizeShowsEveryWindowOfThePaddedImageEquallyOften) {
  constexpr int64_t kDraws = 6000;
  Image original;
  original.resize({3, 4, 1});
  for (size_t i = 0; i < original.pixels.size(); ++i) original.pixels[i] = uint8_t(i + 1);
  std::map<std::vector<uint8_t>, int64_t> seen;
  for (int64_t id = 0; id < kDraws; ++id) {
    Image image = original, scratch;
    CounterRng rng = rng_for(id);
    random_crop(image, scratch, 2, 5, 1, PaddingMode::kReflect, rng);
    ASSERT_EQ(image.shape, (ImageShape{2, 5, 1}));
    ++seen[image.pixels];
  }
  // Padded by reflection to 5 x 6:  6 5 6 7 8 7 | 2 1 2 3 4 3 | 6 5 6 7 8 7 | 10 9 10 11 12 11 |
  // ...
  ASSERT_EQ(seen.size(), 8u);
  EXPECT_TRUE(seen.count({6, 5, 6, 7, 8, 2, 1, 2, 3, 4}));
  EXPECT_TRUE(seen.count({9, 10, 11, 12, 11, 5, 6, 7, 8, 7}));
  std::vector<int64_t> counts;
  for (const auto& [pixels, count] : seen) counts.push_back(count);
  EXPECT_LT(chi_square(counts), 24.3);  // 7 degrees of freedom: 99.9 %
}

}  // namespace
}  // namespace dtrain::data
