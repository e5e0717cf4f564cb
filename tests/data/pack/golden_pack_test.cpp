// Committed packs of version 1 (tests/golden/make_pack_v1.py), which every later dtrain has to
// read.
#include <gtest/gtest.h>

#include "image/decoder.h"
#include "image/resample.h"
#include "tests/data/pack/pack_samples.h"

namespace dtrain::data {
namespace {

using dtrain::testing::bytes_of;
using dtrain::testing::kPictures;
using dtrain::testing::open_pack;
using Names = std::vector<std::string>;

const std::filesystem::path kGolden = std::filesystem::path(DTRAIN_SOURCE_DIR) / "tests/golden";

const Names kTrain = {"jpeg_420.jpg", "jpeg_progressive.jpg", "photo.png"};

void expect_samples(const PackDataset& packed, const std::string& split, const Names& files) {
  EXPECT_EQ(packed.class_names(), (Names{"jpeg", "png"}));
  ASSERT_EQ(packed.size(), int64_t(files.size()));
  for (int64_t i = 0; i < packed.size(); ++i) {
    const std::string& file = files[size_t(i)];
    const bool is_png = file.ends_with(".png");
    EXPECT_EQ(packed.origin(i), split + (is_png ? "/png/" : "/jpeg/") + file);
    Sample sample;
    packed.read(i, sample);
    EXPECT_EQ(sample.target, is_png ? 1 : 0);
    if (packed.shape().height == 0) {
      EXPECT_EQ(sample.encoded, bytes_of(kPictures / file)) << file;
    } else {
      Image whole, expected;
      image::decode_all(bytes_of(kPictures / file), 3, whole);
      const double side = double(std::min(whole.shape.height, whole.shape.width));
      const image::Box middle{(double(whole.shape.width) - side) / 2,
                              (double(whole.shape.height) - side) / 2,
                              side,
                              side};
      image::ResampleScratch scratch;
      image::resample(
          whole, middle, {0, 0, whole.shape.width, whole.shape.height}, 16, 16, expected, scratch);
      EXPECT_LT(dtrain::testing::difference(sample.image, expected).mean, 4) << file;
    }
  }
}

TEST(GoldenPack, VersionOneOfFilesIsRead) {
  expect_samples(open_pack(kGolden / "pack_v1_files.h5"), "train", kTrain);
  expect_samples(open_pack(kGolden / "pack_v1_files.h5", "test"), "test", {"jpeg_444.jpg"});
}

TEST(GoldenPack, VersionOneOfPixelsIsRead) {
  const PackDataset packed = open_pack(kGolden / "pack_v1_pixels.h5");
  EXPECT_EQ(packed.shape(), (ImageShape{16, 16, 3}));
  expect_samples(packed, "train", kTrain);
  expect_samples(open_pack(kGolden / "pack_v1_pixels.h5", "test"), "test", {"jpeg_444.jpg"});
}

}  // namespace
}  // namespace dtrain::data
