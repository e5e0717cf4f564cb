// What is left behind of an update that was not finite: numbers and a picture.
#include "callbacks/failed_update_report.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "config/json.h"
#include "image/decoder.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::callbacks {
namespace {

using testing::names_in;
using testing::TempFolder;

train::FailedUpdate failed_update() {
  train::FailedUpdate failed;
  failed.rank = 1;
  failed.step = 40;
  failed.epoch = 2;
  failed.lr = 0.25;
  failed.loss_sum = std::numeric_limits<double>::infinity();
  failed.loss_scale = 1024;
  failed.samples = {7, 3, 5};
  // Three images of two by two, each pixel its place among all: 0 ... 11.
  failed.images = at::arange(12, at::kFloat).view({3, 1, 2, 2});
  return failed;
}

image::Image picture(const std::filesystem::path& path, int64_t channels) {
  const std::string bytes = util::read_file(path);
  image::Image image;
  image::decode_all(
      std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), channels, image);
  return image;
}

TEST(FailedUpdateReport, SaysWhereItWasAndOnWhat) {
  TempFolder folder;
  write_failed_update(folder / "nonfinite", failed_update());
  EXPECT_EQ(names_in(folder / "nonfinite"),
            (std::vector<std::string>{"step-40-rank1.json", "step-40-rank1.png"}));
  const auto text =
      config::Json::parse(util::read_file(folder / "nonfinite" / "step-40-rank1.json"));
  EXPECT_EQ(text.at("step"), 40);
  EXPECT_EQ(text.at("epoch"), 2);
  EXPECT_EQ(text.at("rank"), 1);
  EXPECT_EQ(text.at("lr"), 0.25);
  EXPECT_EQ(text.at("loss_scale"), 1024);
  EXPECT_EQ(text.at("loss_sum").get<std::string>(), "inf");
  EXPECT_EQ(text.at("samples").get<std::vector<int64_t>>(), (std::vector<int64_t>{7, 3, 5}));
}

TEST(FailedUpdateReport, ALossThatIsNoNumberIsNanWhateverItsSign) {
  TempFolder folder;
  auto failed = failed_update();
  for (const double sign : {1.0, -1.0}) {
    failed.loss_sum = std::copysign(std::numeric_limits<double>::quiet_NaN(), sign);
    write_failed_update(folder.path(), failed);
    const auto text = config::Json::parse(util::read_file(folder / "step-40-rank1.json"));
    EXPECT_EQ(text.at("loss_sum").get<std::string>(), "nan");
  }
}

TEST(FailedUpdateReport, ShowsTheImagesSideBySideFromTheDarkestToTheBrightest) {
  TempFolder folder;
  auto failed = failed_update();
  failed.images = at::tensor({0.F, 1.F, 0.F, 1.F}).view({4, 1, 1, 1}).expand({4, 1, 2, 2}).clone();
  failed.images[1][0][0][0] = 0.5F;
  failed.images += 10;  // normalised values are no pixels
  for (int64_t i = 0; i < 4; ++i) failed.images[i][0][1][1] = i % 2 == 0 ? 11.F : 10.F;
  write_failed_update(folder.path(), failed);
  const auto shown = picture(folder / "step-40-rank1.png", 1);
  EXPECT_EQ(shown.shape, (image::ImageShape{4, 4, 1}));
  EXPECT_EQ(shown.pixels,
            (std::vector<uint8_t>{0,
                                  0,
                                  127,
                                  255,  //
                                  0,
                                  255,
                                  255,
                                  0,  //
                                  0,
                                  0,
                                  255,
                                  255,  //
                                  0,
                                  255,
                                  255,
                                  0}));
}

TEST(FailedUpdateReport, KeepsColoursAndLeavesUnusedPlacesBlack) {
  TempFolder folder;
  auto failed = failed_update();
  failed.images = at::zeros({3, 3, 2, 2});
  for (int64_t i = 0; i < 3; ++i) failed.images[i][i].fill_(1);  // red, green, blue
  write_failed_update(folder.path(), failed);
  const auto shown = picture(folder / "step-40-rank1.png", 3);
  ASSERT_EQ(shown.shape, (image::ImageShape{4, 4, 3}));
  const auto pixel = [&](int64_t y, int64_t x) {
    const uint8_t* at = shown.row(y) + 3 * x;
    return std::vector<int>{at[0], at[1], at[2]};
  };
  EXPECT_EQ(pixel(1, 1), (std::vector<int>{255, 0, 0}));
  EXPECT_EQ(pixel(0, 2), (std::vector<int>{0, 255, 0}));
  EXPECT_EQ(pixel(2, 0), (std::vector<int>{0, 0, 255}));
  EXPECT_EQ(pixel(3, 3), (std::vector<int>{0, 0, 0}));
}

TEST(FailedUpdateReport, ARankWithoutAShareOfTheBatchWritesNoPicture) {
  TempFolder folder;
  auto failed = failed_update();
  failed.samples.clear();
  failed.images = at::empty({0, 1, 2, 2});
  write_failed_update(folder.path(), failed);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"step-40-rank1.json"}));
}

TEST(FailedUpdateReport, PixelsThatAreNoNumbersAreBlack) {
  TempFolder folder;
  auto failed = failed_update();
  failed.images[0].fill_(std::numeric_limits<float>::quiet_NaN());
  failed.images[1][0][0][0] = std::numeric_limits<float>::infinity();
  write_failed_update(folder.path(), failed);
  const auto shown = picture(folder / "step-40-rank1.png", 1);
  ASSERT_EQ(shown.shape, (image::ImageShape{4, 4, 1}));
  EXPECT_EQ(shown.row(0)[0], 0);    // of the first image
  EXPECT_EQ(shown.row(0)[2], 255);  // the infinite one
  EXPECT_EQ(shown.row(3)[1], 255);  // the third image is as ever
}

}  // namespace
}  // namespace dtrain::callbacks
