// The side that a network gets by default.
#include "data/datasets/picture_sizes.h"

#include <gtest/gtest.h>

#include <fstream>

#include "data/datasets/image_folder.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::kPictures;

ChosenSize chosen(bool alike, int64_t width, int64_t height, int64_t median) {
  return choose_size({.looked_at = 3,
                      .all_alike = alike,
                      .width = width,
                      .height = height,
                      .median_side = median});
}

TEST(ChosenSize, SquareImagesOfOneSizeAreLeftAsTheyAre) {
  for (const int64_t side : {28, 32, 96, 256}) {
    EXPECT_EQ(chosen(true, side, side, side).side, side);
    EXPECT_TRUE(chosen(true, side, side, side).keeps_whole);
  }
}

TEST(ChosenSize, OthersAreBroughtTo224OrWhatSmallOnesHold) {
  EXPECT_EQ(chosen(true, 512, 512, 512).side, 224);
  EXPECT_EQ(chosen(true, 640, 480, 480).side, 224);
  EXPECT_FALSE(chosen(true, 640, 480, 480).keeps_whole);
  EXPECT_EQ(chosen(false, 500, 375, 400).side, 224);
  EXPECT_EQ(chosen(false, 90, 100, 92).side, 96);
  EXPECT_EQ(chosen(false, 90, 100, 70).side, 64);
  EXPECT_EQ(chosen(false, 10, 12, 9).side, 32);
  EXPECT_EQ(choose_size({}).side, 224);
}

TEST(PictureSizes, AreThoseThatAPersonSeesAndBadFilesArePassedOver) {
  const dtrain::testing::TempFolder folder;
  const auto add = [&](const std::string& path, const std::string& picture) {
    fs::create_directories((folder.path() / path).parent_path());
    fs::copy_file(kPictures / picture, folder.path() / path);
  };
  add("a/1.jpg", "jpeg_420.jpg");
  add("b/2.jpg", "jpeg_420.jpg");
  std::ofstream(folder.path() / "b/3.jpg") << "no image";
  ImageFolderOptions options;
  options.name = "x";
  options.root = folder.path();
  const ImageFolder same(options);
  const PictureSizes sizes = survey_sizes(same);
  EXPECT_EQ(sizes.looked_at, 2);
  EXPECT_TRUE(sizes.all_alike);
  EXPECT_EQ(sizes.median_side, std::min(sizes.width, sizes.height));
  add("b/4.jpg", "jpeg_orientation_6.jpg");
  add("b/5.jpg", "jpeg_orientation_1.jpg");
  EXPECT_FALSE(survey_sizes(ImageFolder(options)).all_alike);
}

}  // namespace
}  // namespace dtrain::data
