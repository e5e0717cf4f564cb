// Augmentation: what each step does to pixels, and how its draws are distributed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "data/transforms/erasing.h"
#include "data/transforms/factory.h"
#include "data/transforms/geometric.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"

namespace dtrain::data {
namespace {

using testing::error_text;
using testing::mentions;
using util::CounterRng;

Image counting_image(const ImageShape& shape) {
  Image image;
  image.resize(shape);
  std::iota(image.pixels.begin(), image.pixels.end(), uint8_t{1});
  return image;
}

CounterRng transform_rng(int64_t sample) { return {7, kErasingStream, 0, sample}; }

// A crop by the definition: every pixel looked up on its own.
Image slow_crop(const Image& image, int64_t padding, int64_t top, int64_t left, bool reflect) {
  const auto [height, width, channels] = image.shape;
  auto fold = [&](int64_t i, int64_t n) { return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i; };
  Image result;
  result.resize(image.shape);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      int64_t from_y = y + top - padding, from_x = x + left - padding;
      if (reflect) from_y = fold(from_y, height), from_x = fold(from_x, width);
      const bool inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
      for (int64_t c = 0; c < channels; ++c) {
        result.row(y)[x * channels + c] = inside ? image.row(from_y)[from_x * channels + c] : 0;
      }
    }
  }
  return result;
}

TEST(Crop, TakesTheWindowOfThePaddedImageAtEveryPlace) {
  for (const int64_t channels : {1, 3}) {
    const Image original = counting_image({4, 5, channels});
    for (const bool reflect : {false, true}) {
      // Zero padding may be larger than the image: then a crop may show nothing of it.
      for (const int64_t padding :
           reflect ? std::vector<int64_t>{1, 3} : std::vector<int64_t>{1, 3, 7}) {
        for (int64_t top = 0; top <= 2 * padding; ++top) {
          for (int64_t left = 0; left <= 2 * padding; ++left) {
            Image image = original, scratch;
            shifted_crop(image,
                         scratch,
                         padding,
                         top,
                         left,
                         reflect ? PaddingMode::kReflect : PaddingMode::kZero);
            ASSERT_EQ(image.pixels, slow_crop(original, padding, top, left, reflect).pixels)
                << padding << ": " << top << ", " << left;
          }
        }
      }
    }
  }
}

TEST(Crop, InTheMiddleChangesNothing) {
  Image image = counting_image({4, 5, 3}), scratch;
  shifted_crop(image, scratch, 2, 2, 2, PaddingMode::kZero);
  EXPECT_EQ(image.pixels, counting_image({4, 5, 3}).pixels);
}

TEST(Crop, PlacesAreUniform) {
  constexpr int64_t kPadding = 2, kDraws = 10000;
  std::map<std::vector<uint8_t>, int64_t> seen;
  const Image original = counting_image({6, 6, 1});
  for (int64_t id = 0; id < kDraws; ++id) {
    Image image = original, scratch;
    CounterRng rng(1, kCropStream, 0, id);
    random_crop(image, scratch, kPadding, PaddingMode::kZero, rng);
    ++seen[image.pixels];
  }
  ASSERT_EQ(seen.size(), 25u);
  double chi = 0;
  const double expected = kDraws / 25.0;
  for (const auto& [pixels, count] : seen) {
    const double off = static_cast<double>(count) - expected;
    chi += off * off / expected;
  }
  EXPECT_LT(chi, 51.2);  // chi-square, 24 degrees of freedom: 99.9 %
}

TEST(Flip, MirrorsColumnsAndKeepsChannels) {
  Image image;
  image.resize({2, 3, 2});
  image.pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  flip_horizontally(image);
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8}));
  Image grey = counting_image({2, 5, 1});
  flip_horizontally(grey);
  EXPECT_EQ(grey.pixels, (std::vector<uint8_t>{5, 4, 3, 2, 1, 10, 9, 8, 7, 6}));
  flip_horizontally(grey);
  EXPECT_EQ(grey.pixels, counting_image({2, 5, 1}).pixels);
}

TEST(Flip, HappensWithItsProbability) {
  constexpr int64_t kDraws = 10000;
  int64_t flipped = 0;
  for (int64_t id = 0; id < kDraws; ++id) {
    Image image = counting_image({1, 2, 1});
    CounterRng rng(1, kFlipStream, 0, id);
    random_flip(image, 0.3, rng);
    flipped += image.pixels[0] == 2;
  }
  EXPECT_NEAR(static_cast<double>(flipped), 0.3 * kDraws, 4 * std::sqrt(kDraws * 0.3 * 0.7));
}

TEST(Erasing, SetsExactlyTheRectangleToTheValue) {
  Image image = counting_image({4, 4, 2});
  Image expected = image;
  for (const int64_t y : {1, 2}) {
    for (int64_t x : {2, 3}) {
      expected.row(y)[x * 2] = 100;
      expected.row(y)[x * 2 + 1] = 200;
    }
  }
  erase(image, {.left = 2, .top = 1, .width = 2, .height = 2}, {100, 200});
  EXPECT_EQ(image.pixels, expected.pixels);
}

TEST(Erasing, HappensWithItsProbabilityAndFitsTheImage) {
  constexpr int64_t kDraws = 20000;
  const ImageShape shape{28, 28, 1};
  const ErasingParameters parameters{.probability = 0.25, .value = {0}};
  int64_t erased = 0;
  for (int64_t id = 0; id < kDraws; ++id) {
    CounterRng rng = transform_rng(id);
    const auto r = draw_erasing(shape, parameters, rng);
    if (!r) continue;
    ++erased;
    ASSERT_TRUE(r->top >= 0 && r->left >= 0 && r->height < 28 && r->width < 28 &&
                r->top + r->height <= 28 && r->left + r->width <= 28);
  }
  // Ten tries practically never all fail with the default limits.
  EXPECT_NEAR(static_cast<double>(erased), 0.25 * kDraws, 4 * std::sqrt(kDraws * 0.25 * 0.75));
}

TEST(Erasing, AreaAndRatioAreDistributedAsInTorchvision) {
  constexpr int64_t kDraws = 20000;
  const ImageShape shape{200, 200, 1};  // large, so that rounding does not matter
  // An area of at most 0.25 and ratios of at most 3 always fit, so that no try is rejected.
  const ErasingParameters parameters{.probability = 1,
                                     .scale_low = 0.05,
                                     .scale_high = 0.25,
                                     .ratio_low = 1.0 / 3,
                                     .ratio_high = 3,
                                     .value = {0}};
  double area = 0, log_ratio = 0, log_ratio_squared = 0, top = 0;
  for (int64_t id = 0; id < kDraws; ++id) {
    CounterRng rng = transform_rng(id);
    const auto r = draw_erasing(shape, parameters, rng);
    ASSERT_TRUE(r);
    const auto height = static_cast<double>(r->height), width = static_cast<double>(r->width);
    area += height * width / 40000 / kDraws;
    log_ratio += std::log(height / width) / kDraws;
    log_ratio_squared += std::pow(std::log(height / width), 2) / kDraws;
    top += static_cast<double>(r->top) / static_cast<double>(200 - r->height) / kDraws;
  }
  const double spread = std::log(3.0);  // uniform in +- spread: variance spread^2 / 3
  EXPECT_NEAR(area, 0.15, 0.003);
  EXPECT_NEAR(log_ratio, 0, 0.02);
  EXPECT_NEAR(log_ratio_squared, spread * spread / 3, 0.01);
  EXPECT_NEAR(top, 0.5, 0.01);
}

TEST(Erasing, GivesUpWhenNothingFits) {
  const ErasingParameters parameters{
      .probability = 1, .scale_low = 1, .scale_high = 1, .value = {0}};
  CounterRng rng = transform_rng(0);
  EXPECT_FALSE(draw_erasing({8, 8, 1}, parameters, rng));
}

Image noisy_image(const ImageShape& shape, const ErasingNoise& noise) {
  Image image;
  image.resize(shape);
  CounterRng rng = transform_rng(1);
  erase_with_noise(image, {0, 0, shape.width, shape.height}, noise, rng);
  return image;
}

TEST(Erasing, NoiseIsNormalAfterNormalisation) {
  // Deviations are small enough for the clip to change nothing.
  const std::vector<double> mean = {0.5, 0.4, 0.6}, deviation = {0.08, 0.06, 0.1};
  const Image image = noisy_image({200, 200, 3}, ErasingNoise(mean, deviation));
  constexpr double kCount = 40000;
  std::vector<double> sum(3), squares(3), cubes(3), fourths(3);
  double between_channels = 0, between_neighbours = 0;
  const auto normalised = [&](size_t i) {
    return (image.pixels[i] / 255.0 - mean[i % 3]) / deviation[i % 3];
  };
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const double z = normalised(i);
    sum[i % 3] += z / kCount;
    squares[i % 3] += z * z / kCount;
    cubes[i % 3] += z * z * z / kCount;
    fourths[i % 3] += z * z * z * z / kCount;
    if (i % 3 == 0) between_channels += z * normalised(i + 1) / kCount;
    if (i >= 3) between_neighbours += z * normalised(i - 3) / (3 * kCount);
  }
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(sum[c], 0, 4 / std::sqrt(kCount));
    EXPECT_NEAR(squares[c], 1, 4 * std::sqrt(2 / kCount) + 0.002);  // rounding adds its share
    EXPECT_NEAR(cubes[c], 0, 4 * std::sqrt(15 / kCount));
    EXPECT_NEAR(fourths[c], 3, 4 * std::sqrt(96 / kCount) + 0.01);
  }
  EXPECT_NEAR(between_channels, 0, 4 / std::sqrt(kCount));
  EXPECT_NEAR(between_neighbours, 0, 4 / std::sqrt(3 * kCount));
}

TEST(Erasing, NoiseBeyondBlackAndWhiteIsClipped) {
  const Image image = noisy_image({100, 100, 1}, ErasingNoise({0.5}, {0.5}));
  const auto share = [&](uint8_t level) {
    const auto count = std::count(image.pixels.begin(), image.pixels.end(), level);
    return static_cast<double>(count) / 10000;
  };
  EXPECT_NEAR(share(0), 0.1597, 0.015);  // below half a level above 0: -0.996 deviations
  EXPECT_NEAR(share(255), 0.1597, 0.015);
}

TEST(Erasing, NoiseStaysWithinItsRectangleAndChangesWithTheDraws) {
  const ErasingNoise noise({0.5, 0.5, 0.5}, {0.2, 0.2, 0.2});
  std::set<std::vector<uint8_t>> distinct;
  for (int64_t id = 0; id < 20; ++id) {
    Image image;
    image.resize({5, 6, 3});
    CounterRng rng = transform_rng(id);
    erase_with_noise(image, {.left = 2, .top = 1, .width = 3, .height = 2}, noise, rng);
    for (int64_t y = 0; y < 5; ++y) {
      for (int64_t x = 0; x < 6; ++x) {
        if (x >= 2 && x < 5 && y >= 1 && y < 3) continue;
        for (int64_t c = 0; c < 3; ++c) ASSERT_EQ(image.row(y)[3 * x + c], 0);
      }
    }
    distinct.insert(image.pixels);
  }
  EXPECT_EQ(distinct.size(), 20u);
}

// ---- the list of steps
// ---------------------------------------------------------------------------

const Normalization kFactoryNormalization{{0.2860}, {0.3530}};
const ImageShape kFactoryShape{8, 8, 1};

TransformConfig everything() {
  TransformConfig config;
  config.random_crop_padding = 2;
  config.horizontal_flip = 0.5;
  config.random_erasing = 1;
  return config;
}

Transforms train_steps(const TransformConfig& config,
                       const Normalization& normalization,
                       const ImageShape& shape) {
  return make_train_view(config, normalization, shape).steps;
}

std::vector<uint8_t> augmented(const Transforms& steps, uint64_t seed, int64_t epoch, int64_t id) {
  Image image = counting_image(kFactoryShape), scratch;
  apply_steps(steps, 0, seed, epoch, id, image, scratch);
  return image.pixels;
}

TEST(TransformFactory, MakesOnlyTheStepsThatDoSomethingInTheirOrder) {
  TransformConfig off;
  off.horizontal_flip = 0;
  EXPECT_TRUE(train_steps(off, kFactoryNormalization, kFactoryShape).empty());
  std::vector<std::string> names;
  for (const auto& step : train_steps(everything(), kFactoryNormalization, kFactoryShape)) {
    names.push_back(step.name);
  }
  EXPECT_EQ(
      names,
      (std::vector<std::string>{"random_crop(padding=2, mode=zero)",
                                "horizontal_flip(0.5)",
                                "random_erasing(1, scale=0.02:0.33, ratio=0.3:3.3, value=mean)"}));
}

TEST(TransformFactory, ErasesToTheMeanUnlessToldOtherwise) {
  TransformConfig config;
  config.horizontal_flip = 0;
  config.random_erasing = 1;
  auto values_after = [&](const TransformConfig& c) {
    const auto pixels = augmented(train_steps(c, kFactoryNormalization, kFactoryShape), 1, 0, 3);
    return std::set<int>(pixels.begin(), pixels.end());
  };
  EXPECT_TRUE(values_after(config).count(73));  // 0.2860 * 255 = 72.93
  config.erasing_value = {250};
  EXPECT_TRUE(values_after(config).count(250));
}

TEST(TransformFactory, AugmentationIsAFunctionOfSeedEpochAndSample) {
  const Transforms steps = train_steps(everything(), kFactoryNormalization, kFactoryShape);
  EXPECT_EQ(augmented(steps, 1, 2, 3), augmented(steps, 1, 2, 3));
  std::set<std::vector<uint8_t>> distinct;
  for (uint64_t seed : {1, 2}) {
    for (int64_t epoch : {0, 1}) {
      for (int64_t id : {0, 1, 2}) distinct.insert(augmented(steps, seed, epoch, id));
    }
  }
  EXPECT_GE(distinct.size(), 11u);  // two of twelve may meet by chance
}

TEST(TransformFactory, AStepDrawsTheSameWhateverElseIsOn) {
  TransformConfig flip_only;
  TransformConfig crop_and_flip = everything();
  crop_and_flip.random_erasing = 0;
  const Transforms one = train_steps(flip_only, kFactoryNormalization, kFactoryShape);
  const Transforms two = train_steps(crop_and_flip, kFactoryNormalization, kFactoryShape);
  for (int64_t id = 0; id < 50; ++id) {
    Image cropped = counting_image(kFactoryShape), scratch;
    CounterRng rng(1, kCropStream, 0, id);
    random_crop(cropped, scratch, 2, PaddingMode::kZero, rng);
    const bool flipped = augmented(one, 1, 0, id) != counting_image(kFactoryShape).pixels;
    if (flipped) flip_horizontally(cropped);
    ASSERT_EQ(augmented(two, 1, 0, id), cropped.pixels);
  }
}

TEST(TransformFactory, SettingsThatDoNotFitAreConfigErrors) {
  TransformConfig config = everything();
  auto error = [&] {
    return error_text([&] { train_steps(config, kFactoryNormalization, kFactoryShape); },
                      ExitCode::kConfig);
  };
  config.erasing_scale = {0.5, 0.1};
  EXPECT_TRUE(mentions(error(), {"transforms.erasing_scale", "[low, high]"}));
  config = everything();
  config.erasing_value = {1, 2, 3};
  EXPECT_TRUE(mentions(error(), {"transforms.erasing_value", "3 values", "1 channels"}));
  config = everything();
  config.padding_mode = "reflect";
  config.random_crop_padding = 8;
  EXPECT_TRUE(mentions(error(), {"transforms.random_crop_padding", "8 x 8 x 1"}));
}

TEST(Normalisation, ComesFromTheConfigOrTheDatasetAndIsSpreadOverChannels) {
  TransformConfig config;
  EXPECT_EQ(resolve_normalization(config, {0.5}, {0.25}, 3).mean, std::vector<double>(3, 0.5));
  config.mean = {0.1, 0.2, 0.3};
  const Normalization mixed = resolve_normalization(config, {0.5}, {0.25}, 3);
  EXPECT_EQ(mixed.mean, config.mean);
  EXPECT_EQ(mixed.std, std::vector<double>(3, 0.25));
  EXPECT_TRUE(mentions(
      error_text([&] { resolve_normalization(config, {0.5}, {0.5}, 1); }, ExitCode::kConfig),
      {"transforms.mean", "3 values", "1 channels"}));
}

}  // namespace
}  // namespace dtrain::data
