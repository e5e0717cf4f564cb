// What a folder is taken for when nobody says, and what is evaluated on.
#include "data/datasets/recognise.h"

#include <gtest/gtest.h>

#include <fstream>

#include "data/datasets/open_datasets.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;

class RecogniseTest : public ::testing::Test {
 protected:
  fs::path root() const { return folder_.path(); }
  void add(const std::string& path, const std::string& content = "") const {
    const fs::path file = root() / path;
    fs::create_directories(file.parent_path());
    if (content.empty()) {
      fs::copy_file(kPictures / "jpeg_420.jpg", file);
    } else {
      std::ofstream(file) << content;
    }
  }
  Recognised read(const std::string& below = "") const { return recognise(root() / below); }
  std::string refusal(const std::string& below = "") const {
    return error_text([&] { read(below); }, ExitCode::kData);
  }
  // Settles, and opens what is then said.
  DatasetConfig settled(const std::string& below = "") const {
    DatasetConfig config;
    config.data_dir = root() / below;
    choices_ = settle(config).choices;
    opened_ = open_datasets(config, 1);
    return config;
  }
  bool was_chosen(const std::string& path) const {
    return std::any_of(choices_.begin(), choices_.end(), [&](const Choice& one) {
      return one.path == path && !one.why.empty();
    });
  }
  dtrain::testing::TempFolder folder_;
  mutable std::vector<Choice> choices_;
  mutable OpenedData opened_;
};

TEST_F(RecogniseTest, ClassFoldersUnderSplitsAreEvaluatedOnValidation) {
  for (const char* split : {"train", "valid", "test"}) {
    for (const char* name : {"cat/1.jpg", "cat/2.jpg", "dog/deep/3.jpg"}) {
      add(std::string(split) + "/" + name);
    }
  }
  const DatasetConfig config = settled();
  EXPECT_EQ(config.dataset, "image_folder");
  EXPECT_EQ(config.eval_split, "validation");
  EXPECT_EQ(config.holdout, 0);
  EXPECT_EQ(opened_.train->size(), 3);
  EXPECT_TRUE(mentions(opened_.eval->name(), {"validation"}));
  EXPECT_EQ(read().reading, "class folders in train, valid, test");
  EXPECT_EQ(read().other_reading, "");
  EXPECT_TRUE(was_chosen("data.dataset") && was_chosen("data.eval_split"));
}

TEST_F(RecogniseTest, ATestSplitIsNotEvaluatedOnUnlessAsked) {
  for (int i = 0; i < 10; ++i) {
    for (const char* name : {"train/cat/", "train/dog/", "test/cat/", "test/dog/"}) {
      add(name + std::to_string(i) + ".jpg");
    }
  }
  const DatasetConfig config = settled();
  EXPECT_EQ(config.eval_split, "train");
  EXPECT_EQ(config.holdout, 0.1);
  EXPECT_EQ(opened_.train->size(), 18);
  EXPECT_EQ(opened_.eval->size(), 2);
  EXPECT_EQ(opened_.test, nullptr);
  EXPECT_TRUE(was_chosen("data.holdout"));

  DatasetConfig asked;
  asked.data_dir = root();
  asked.eval_split = "test";
  settle(asked);
  EXPECT_EQ(asked.eval_split, "test");
  EXPECT_EQ(asked.holdout, 0);
}

TEST_F(RecogniseTest, OneFolderPerClassIsTheTrainingSplitOfWhichATenthIsHeldOut) {
  for (int i = 0; i < 20; ++i) {
    add("frites grillées/" + std::to_string(i) + ".jpg");
    add("other things/my photo " + std::to_string(i) + ".jpg");
  }
  add("notes.txt", "no image");
  const DatasetConfig config = settled();
  EXPECT_EQ(read().reading, "one folder per class");
  EXPECT_EQ(config.holdout, 0.1);
  EXPECT_EQ(opened_.train->class_names(),
            (std::vector<std::string>{"frites grillées", "other things"}));
  EXPECT_EQ(opened_.train->size(), 36);
  EXPECT_EQ(opened_.eval->size(), 4);
}

TEST_F(RecogniseTest, BothLayoutsOfFood11) {
  add("flat/training/0_1.jpg");
  add("flat/training/1_1.jpg");
  add("flat/training/0_2.jpg");
  add("flat/training/1_2.jpg");
  add("flat/validation/1_9.jpg");
  add("flat/test/0001.jpg");
  DatasetConfig config = settled("flat");
  EXPECT_EQ(config.label_in_name, "first");
  EXPECT_EQ(config.eval_split, "validation");
  EXPECT_EQ(opened_.eval->target(0), 1);
  EXPECT_TRUE(mentions(read("flat").reading, {"flat", "first", "training, validation, test"}));

  add("parts/training/labeled/00/1.jpg");
  add("parts/training/labeled/01/1.jpg");
  add("parts/training/unlabeled/00/1.jpg");
  add("parts/validation/00/1.jpg");
  add("parts/validation/01/1.jpg");
  add("parts/testing/00/1.jpg");
  config = settled("parts");
  EXPECT_EQ(config.dataset, "image_folder");
  EXPECT_EQ(config.eval_split, "validation");
  EXPECT_EQ(opened_.train->size(), 2);
}

TEST_F(RecogniseTest, TheClassLastInTheNamesIsSaidWithTheWayToForceTheOther) {
  for (int i = 0; i < 10; ++i)
    add("train/" + std::to_string(i) + (i % 2 ? "_frog.jpg" : "_truck.jpg"));
  const DatasetConfig config = settled();
  EXPECT_EQ(config.label_in_name, "last");
  EXPECT_EQ(opened_.train->class_names(), (std::vector<std::string>{"frog", "truck"}));
  EXPECT_TRUE(mentions(read().other_reading, {"data.label_in_name=first", "10 classes"}));
}

TEST_F(RecogniseTest, ACsvFileBesideClassFoldersIsTheOtherReading) {
  add("train/cat/1.jpg");
  add("train/dog/1.jpg");
  add("train.csv", "path,label\ntrain/cat/1.jpg,cat\n");
  EXPECT_EQ(read().dataset, "image_folder");
  EXPECT_TRUE(mentions(read().other_reading, {"data.dataset=csv", "train.csv"}));
}

TEST_F(RecogniseTest, CsvFilesAndPacksByTheirFilesAndFolders) {
  add("one/images/1.jpg");
  add("one/labels.csv", "path,label\nimages/1.jpg,cat\n");
  EXPECT_EQ(read("one").dataset, "csv");
  EXPECT_EQ(read("one").path, root() / "one/labels.csv");
  EXPECT_EQ(read("one/labels.csv").dataset, "csv");
  add("pack/food.h5", "a pack by its name");
  EXPECT_EQ(read("pack").path, root() / "pack/food.h5");
  EXPECT_EQ(read("pack/food.h5").dataset, "pack");
}

TEST_F(RecogniseTest, FilesWithFixedNames) {
  dtrain::testing::write_tiny_idx(root() / "digits");
  dtrain::testing::write_tiny_idx(root() / "FashionMNIST/raw");
  EXPECT_EQ(read("digits").dataset, "idx");
  EXPECT_EQ(read("FashionMNIST").dataset, "fashion_mnist");
  for (int k = 1; k <= 5; ++k)
    add("c/cifar-10-batches-bin/data_batch_" + std::to_string(k) + ".bin", "x");
  EXPECT_EQ(read("c").dataset, "cifar10");
  add("h/train.bin", "x");
  EXPECT_EQ(read("h").dataset, "cifar100");
  const DatasetConfig config = settled("digits");
  EXPECT_EQ(config.holdout, 0.1);
}

TEST_F(RecogniseTest, AFolderWithinAFolderIsLookedInto) {
  add("archive/food/train/cat/1.jpg");
  add("archive/food/train/dog/1.jpg");
  add("archive/.hidden/file.jpg");
  EXPECT_EQ(read().path, root() / "archive/food");
}

TEST_F(RecogniseTest, TheFolderOfASplitIsRefusedWithItsParent) {
  add("food-11/train/cat/1.jpg");
  add("food-11/train/dog/1.jpg");
  add("food-11/val/cat/1.jpg");
  EXPECT_TRUE(mentions(refusal("food-11/train"),
                       {"train folder", "give its parent: " + (root() / "food-11").string()}));
  EXPECT_TRUE(mentions(refusal("food-11/val/"), {"val folder", (root() / "food-11").string()}));
  // Without other splits beside it, it is a data set.
  add("alone/train/cat/1.jpg");
  add("alone/train/dog/1.jpg");
  EXPECT_EQ(read("alone/train").reading, "one folder per class");
}

TEST_F(RecogniseTest, WhatIsNoDataSetIsRefusedWithWhatIsThere) {
  add("flat/a.jpg");
  add("flat/b.jpg");
  EXPECT_TRUE(mentions(refusal("flat"), {"2 images lie flat", "folder of its own"}));
  add("papers/a.pdf", "x");
  add("papers/b/c.pdf", "x");
  add("papers/d/c.pdf", "x");
  EXPECT_TRUE(mentions(refusal("papers"), {"2 folders", "1 other files"}));
  EXPECT_TRUE(mentions(refusal("nowhere"), {"there is no", "nowhere"}));
  EXPECT_TRUE(mentions(refusal("flat/a.jpg"), {"neither a CSV file nor a pack"}));
}

TEST_F(RecogniseTest, SettledSettingsStay) {
  DatasetConfig config;
  config.dataset = "image_folder";
  config.data_dir = root() / "nowhere";
  config.eval_split = "test";
  EXPECT_TRUE(settle(config).choices.empty());
  EXPECT_EQ(config.eval_split, "test");
  config.eval_split = kLeftToTheData;
  config.folds = 5;
  settle(config);
  EXPECT_EQ(config.eval_split, "train");
  EXPECT_EQ(config.holdout, 0);
}

}  // namespace
}  // namespace dtrain::data
