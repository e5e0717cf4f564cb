// Settings that the data decide.
#include "run/data_choices.h"

#include <gtest/gtest.h>

#include "run/resolve.h"
#include "run/resumable.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::run {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::mentions;

class DataChoicesTest : public ::testing::Test {
 protected:
  // 1,100 images of 4 classes, 8 x 8.
  void SetUp() override {
    dtrain::testing::write_tiny_idx(folder_.path() / "digits", {.train = 1100});
    const fs::path picture = dtrain::testing::kPictures / "jpeg_420.jpg";
    for (const char* name : {"cat", "dog"}) {
      for (int i = 0; i < 15; ++i) {
        const fs::path to = folder_.path() / "photos" / name / (std::to_string(i) + ".jpg");
        fs::create_directories(to.parent_path());
        fs::copy_file(picture, to);
      }
    }
  }
  settings::RunConfig opened(const std::string& folder,
                             std::vector<config::Override> given = {},
                             int64_t ranks = 1,
                             const data::ImageShape& before = {}) {
    given.push_back({"data.data_dir", (folder_.path() / folder).string(), "command line"});
    settings::RunConfig config = settings::load_run_config("", given);
    settled_ = resolve(config, {.cores = 1});
    data_ = open_data(config, ranks, before);
    return config;
  }
  static std::string origin(const settings::RunConfig& config, const char* path) {
    return config::origin_of(config.origins, path);
  }
  // As a run with this configuration notes it in its checkpoints.
  config::Json meta(const settings::RunConfig& config, int64_t ranks = 1) {
    return describe_run(config, data_.identity, ranks);
  }
  dtrain::testing::TempFolder folder_;
  data::Settled settled_;
  Data data_;
};

TEST_F(DataChoicesTest, AreWrittenDownWithTheirReason) {
  const settings::RunConfig config = opened("digits");
  EXPECT_EQ(config.model.num_classes, 4);
  EXPECT_EQ(config.model.in_channels, 1);
  EXPECT_EQ(config.model.stem, "small");
  EXPECT_EQ(config.transforms.size, 0) << "images of one size stay as they are";
  EXPECT_EQ(config.loader.batch_size, 64);
  EXPECT_EQ(config.optimizer.lr, 0.1 * 64 / 256);
  EXPECT_EQ(config.schedule.warmup_epochs, 1);
  EXPECT_EQ(origin(config, "loader.batch_size"), "automatic (990 training images)");
  EXPECT_EQ(origin(config, "optimizer.lr"), "automatic (for a global batch of 64)");
  const settings::RunConfig photos = opened("photos");
  EXPECT_GT(photos.transforms.size, 0);
  EXPECT_TRUE(mentions(origin(photos, "transforms.size"), {"automatic (all images are"}));
  EXPECT_EQ(photos.loader.batch_size, 8);
  EXPECT_EQ(photos.run.experiment, "photos_resnet18");
}

TEST_F(DataChoicesTest, AFewImagesFillABatch) {
  const std::vector<config::Override> few = {{"data.limit_train", "3", "command line"}};
  EXPECT_EQ(opened("digits", few).loader.batch_size, 2);
  EXPECT_EQ(opened("digits", few, 3).loader.batch_size, 1);
}

TEST_F(DataChoicesTest, WhatWasChosenMustGoWithWhatWasGiven) {
  EXPECT_TRUE(mentions(dtrain::testing::error_text(
                           [&] {
                             opened("photos", {{"schedule.min_lr", "0.5", "command line"}});
                           },
                           ExitCode::kConfig),
                       {"schedule.min_lr", "optimizer.lr"}));
}

TEST_F(DataChoicesTest, WhatTheUserGaveStays) {
  const settings::RunConfig config = opened("photos",
                                            {{"loader.batch_size", "20", "command line"},
                                             {"optimizer.lr", "0.3", "command line"},
                                             {"schedule.warmup_epochs", "0", "command line"},
                                             {"transforms.size", "40", "command line"},
                                             {"model.stem", "imagenet", "command line"}});
  EXPECT_EQ(config.loader.batch_size, 20);
  EXPECT_EQ(config.optimizer.lr, 0.3);
  EXPECT_EQ(config.schedule.warmup_epochs, 0);
  EXPECT_EQ(config.transforms.size, 40);
  EXPECT_EQ(config.model.stem, "imagenet");
}

TEST_F(DataChoicesTest, TheRateFollowsTheGlobalBatch) {
  const std::vector<config::Override> given = {{"loader.batch_size", "32", "command line"}};
  EXPECT_EQ(opened("digits", given, 1).optimizer.lr, 0.0125);
  EXPECT_EQ(opened("digits", given, 4).optimizer.lr, 0.05);
  const settings::RunConfig adamw =
      opened("digits", {given[0], {"optimizer.name", "adamw", "command line"}}, 8);
  EXPECT_EQ(adamw.optimizer.lr, 1e-3);
}

TEST_F(DataChoicesTest, WhatAResumedRunChoseIsKept) {
  settings::RunConfig before = opened("digits");
  before.optimizer.lr = 0.7;
  before.data.holdout = 0.25;
  before.loader.batch_size = 48;
  const config::Json saved = meta(before);
  settings::RunConfig now = settings::load_run_config(
      "", {{"data.data_dir", (folder_.path() / "digits").string(), "command line"}});
  resolve(now, {.cores = 1});
  keep_choices(now, saved, 2);
  EXPECT_EQ(now.optimizer.lr, 0.7);
  EXPECT_EQ(now.data.holdout, 0.25);
  EXPECT_EQ(now.loader.batch_size, 24) << "the global batch stays";
  now.model.initial_checkpoint = "runs/other";
  keep_choices(now, saved, 2);
  EXPECT_EQ(now.model.initial_checkpoint, "") << "the run did not start from it";
  settings::RunConfig given = settings::load_run_config(
      "",
      {{"data.data_dir", (folder_.path() / "digits").string(), "command line"},
       {"optimizer.lr", "0.2", "command line"}});
  resolve(given, {.cores = 1});
  keep_choices(given, saved, 1);
  EXPECT_EQ(given.optimizer.lr, 0.2);
}

// Versions before this one wrote 0 and trained on 224 x 224.
TEST_F(DataChoicesTest, ARunOfAnOlderVersionGoesOnWithItsSize) {
  const settings::RunConfig config = opened("photos", {}, 1, {224, 224, 3});
  EXPECT_EQ(config.transforms.size, 224);
  EXPECT_TRUE(config.transforms.random_resized_crop);
  config::Json saved = meta(config);
  saved["config"]["transforms"]["size"] = 0;
  saved["config"]["model"]["stem"] = "auto";
  saved["config"]["model"]["num_classes"] = 0;
  saved["config"]["data"]["eval_split"] = "test";
  EXPECT_TRUE(
      check_resumable(saved, "runs/x/checkpoints/last", config, data_.identity, 1, 0).empty());
}

TEST_F(DataChoicesTest, AreSaidInAtMostFiveLines) {
  const settings::RunConfig config = opened("photos");
  const std::vector<std::string> lines = describe_data(config, settled_, data_);
  ASSERT_LE(lines.size(), 5U);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  EXPECT_TRUE(mentions(text,
                       {"one folder per class",
                        "Classes: 2, with 13 (cat) to 14 (dog) training images",
                        "training 27, evaluation 3",
                        "stem",
                        "Evaluates on 10 % of train, held out (there is no validation split)"}))
      << text;
  const settings::RunConfig on_test =
      opened("digits", {{"data.eval_split", "test", "command line"}});
  EXPECT_TRUE(mentions(describe_data(on_test, settled_, data_).back(),
                       {"Evaluates on test", "best checkpoint is then chosen on it"}));
}

TEST_F(DataChoicesTest, EvaluationOnTheTrainingSplitIsDoubted) {
  settings::RunConfig config = opened("digits");
  identify(data_);
  EXPECT_TRUE(doubts_about(config, data_).empty());
  config = opened(
      "digits",
      {{"data.eval_split", "train", "command line"}, {"data.limit_eval", "10", "command line"}});
  identify(data_);
  const std::vector<std::string> doubts = doubts_about(config, data_);
  ASSERT_EQ(doubts.size(), 1U);
  EXPECT_TRUE(mentions(doubts[0], {"is the training split"}));
}

}  // namespace
}  // namespace dtrain::run
