// Which splits an ensemble needs, and what is said before any member is trained.
#include "ensemble/ensemble_samples.h"

#include <gtest/gtest.h>

#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"

namespace dtrain::ensemble {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::mentions;

// Training and validation images in folders of their classes, test images without labels.
class EnsembleSamplesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* path : {"train/a/1.jpg",
                             "train/b/2.jpg",
                             "train/a/3.jpg",
                             "train/b/4.jpg",
                             "val/a/5.jpg",
                             "val/b/6.jpg",
                             "test/0001.jpg",
                             "test/0002.jpg"}) {
      add(path);
    }
    config_.members.resize(1);
    data::DatasetConfig& data = config_.members[0].config.data;
    data.dataset = "image_folder";
    data.data_dir = folder_.path();
    data.eval_split = "validation";
    data.holdout = 0;
  }
  void add(const std::string& path) const {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(dtrain::testing::kPictures / "jpeg_420.jpg", folder_ / path);
  }
  std::string refusal() const {
    return error_text([&] { expect_samples(config_, {false}); }, ExitCode::kData);
  }

  dtrain::testing::TempFolder folder_;
  EnsembleConfig config_;
};

TEST_F(EnsembleSamplesTest, TheSplitVotedOnNeedsNoLabels) {
  for (const char* weights : {"equal", "fitted", "accuracy"}) {
    config_.ensemble.weights = weights;
    EXPECT_NO_THROW(expect_samples(config_, {false}));
  }
}

TEST_F(EnsembleSamplesTest, WhatTemperaturesAndWeightsAreFittedOnNeedsLabels) {
  fs::remove_all(folder_ / "val");
  add("val/0003.jpg");
  config_.members[0].config.data.eval_split = "train";
  config_.members[0].config.data.holdout = 0.5;
  EXPECT_NO_THROW(expect_samples(config_, {false}));
  config_.ensemble.validation = "validation";
  EXPECT_TRUE(mentions(refusal(),
                       {"ensemble.validation=validation",
                        "no sample of it has a label",
                        "temperatures",
                        "set ensemble.validation to eval",
                        "ensemble.calibrate=false"}));
  config_.ensemble.weights = "fitted";
  EXPECT_TRUE(mentions(refusal(), {"weights are fitted on it", "ensemble.weights=equal"}));
  config_.ensemble.weights = "equal";
  config_.ensemble.calibrate = false;
  EXPECT_NO_THROW(expect_samples(config_, {false}));
}

TEST_F(EnsembleSamplesTest, ASplitThatIsNotThereIsNamedWithThoseThatAre) {
  fs::remove_all(folder_ / "test");
  EXPECT_TRUE(mentions(refusal(),
                       {"ensemble.split=test",
                        "it has train, validation",
                        "set ensemble.split to eval or train or validation"}));
  config_.ensemble.split = "eval";
  EXPECT_NO_THROW(expect_samples(config_, {false}));
  fs::remove_all(folder_ / "val");
  config_.members[0].config.data.eval_split = "train";
  config_.ensemble.validation = "validation";
  EXPECT_TRUE(
      mentions(refusal(), {"ensemble.validation=validation", "set ensemble.validation to eval"}));
  EXPECT_NO_THROW(expect_samples(config_, {true}));  // a finished member is not looked at
}

}  // namespace
}  // namespace dtrain::ensemble
