// The pictures behind predictions: found by their fingerprint, drawn on contact sheets.
#include "report/sample_pictures.h"

#include <gtest/gtest.h>

#include "data/datasets/dataset_registry.h"
#include "report/evaluation_files.h"
#include "tests/predictions/table.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;

class SamplePicturesTest : public ::testing::Test {
 protected:
  settings::RunConfig idx_config() const {
    dtrain::testing::write_tiny_idx(folder_.path(), {.train = 12, .test = 7});
    settings::RunConfig config;
    config.data.dataset = "idx";
    config.data.data_dir = folder_.path().string();
    config.data.eval_split = "test";
    return config;
  }
  // Two classes of two pictures each.
  settings::RunConfig folder_config() const {
    for (const char* name : {"train/a/0", "train/b/1", "test/a/0", "test/a/1", "test/b/2"}) {
      const fs::path path = folder_ / (std::string(name) + ".jpg");
      fs::create_directories(path.parent_path());
      fs::copy_file(dtrain::testing::kPictures / "jpeg_444.jpg", path);
    }
    settings::RunConfig config;
    config.data.dataset = "image_folder";
    config.data.data_dir = folder_.path().string();
    config.transforms.size = 24;
    return config;
  }
  static predictions::PredictionsHeader header_for(const settings::RunConfig& config,
                                                   data::Split split) {
    predictions::PredictionsHeader header = dtrain::testing::header_of(4);
    header.data_fingerprint = data::open_dataset(config.data, split)->fingerprint();
    return header;
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(SamplePicturesTest, AreThoseOfTheSplitThatWasPredicted) {
  const settings::RunConfig config = idx_config();
  for (const bool trained_on : {false, true}) {
    const auto pictures = SamplePictures::open(
        config, header_for(config, trained_on ? data::Split::kTrain : data::Split::kEval));
    ASSERT_NE(pictures, nullptr);
    // The test split holds the samples that follow those of training.
    const render::Image image = pictures->at(2);
    EXPECT_EQ(image.pixels, dtrain::testing::tiny_image({}, trained_on ? 2 : 14));
    EXPECT_EQ(image.width, 8);
    EXPECT_EQ(image.channels, 1);
  }
}

TEST_F(SamplePicturesTest, AreNoneWhereTheDataAreOthersOrGone) {
  settings::RunConfig config = idx_config();
  predictions::PredictionsHeader header = header_for(config, data::Split::kEval);
  config.data.data_dir = (folder_ / "moved").string();
  EXPECT_EQ(SamplePictures::open(config, header), nullptr);
  config.data.data_dir = folder_.path().string();
  header.data_fingerprint = "another";
  EXPECT_EQ(SamplePictures::open(config, header), nullptr);
}

TEST_F(SamplePicturesTest, ThatCannotBeReadLeaveTheirPlaceEmpty) {
  const settings::RunConfig config = folder_config();
  const auto pictures = SamplePictures::open(config, header_for(config, data::Split::kEval));
  ASSERT_NE(pictures, nullptr);
  fs::resize_file(folder_ / "test/a/1.jpg", 10);
  EXPECT_EQ(pictures->at(0).width, 24);
  EXPECT_EQ(pictures->at(1).width, 0);
  EXPECT_EQ(pictures->at(2).height, 24);
  predictions::Evaluation evaluation{.header = dtrain::testing::header_of(2),
                                     .confusion = metrics::ConfusionMatrix(2),
                                     .bins = {},
                                     .hardest = {}};
  for (const int64_t row : {0, 1, 2}) {
    evaluation.hardest.push_back({.row = row, .id = row, .predicted = 1, .path = "a.jpg"});
  }
  const render::Image sheet = hardest_sheet(evaluation, *pictures);
  EXPECT_GT(sheet.width, 3 * 24 * 4);  // enlarged
  EXPECT_EQ(int64_t(sheet.pixels.size()), sheet.width * sheet.height * 3);
}

TEST_F(SamplePicturesTest, FillSheetsOfTheHardestAndOfWhatDiffers) {
  const settings::RunConfig config = idx_config();
  const auto pictures = SamplePictures::open(config, header_for(config, data::Split::kEval));
  ASSERT_NE(pictures, nullptr);
  const auto names = dtrain::testing::header_of(4).class_names;
  predictions::Comparison comparison;
  const auto height = [&](int64_t shown) {
    return differing_sheet(comparison, names, *pictures, shown).height;
  };
  const int64_t empty = height(7);
  for (int64_t row = 0; row < 7; ++row) {
    comparison.differing.push_back({.row = row, .id = row, .target = -1, .right = 1, .path = ""});
  }
  const int64_t one_row = height(6);
  EXPECT_GT(one_row, empty + 96);
  EXPECT_EQ(height(7) - one_row, one_row - empty);
  EXPECT_EQ(height(100), height(7));
  EXPECT_EQ(height(0), empty);

  predictions::Evaluation evaluation{.header = dtrain::testing::header_of(4),
                                     .confusion = metrics::ConfusionMatrix(4),
                                     .bins = {},
                                     .hardest = {}};
  evaluation.hardest.push_back({.row = 6, .target = 2, .predicted = 1, .path = ""});
  write_evaluation(folder_ / "out", evaluation, pictures.get());
  write_comparison(folder_ / "out", comparison, names, pictures.get(), 3);
  EXPECT_TRUE(fs::exists(folder_ / "out/hardest.png"));
  EXPECT_TRUE(fs::exists(folder_ / "out/differing.png"));
}

}  // namespace
}  // namespace dtrain::report
