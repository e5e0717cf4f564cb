// What a run trains and evaluates on: which samples each setting puts where.
#include "data/datasets/open_datasets.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>

#include "data/datasets/subset.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::mentions;
using Ids = std::set<int64_t>;

Ids ids_of(const Dataset& dataset) {
  Ids ids;
  Sample sample;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    dataset.read(i, sample);
    ids.insert(sample.id);
  }
  return ids;
}

// Of no sample in common.
bool apart(const Ids& a, const Ids& b) {
  return std::none_of(a.begin(), a.end(), [&](int64_t id) { return b.contains(id); });
}

class OpenDatasetsTest : public ::testing::Test {
 protected:
  // 64 training samples of 4 classes, 32 of test.
  void SetUp() override {
    dtrain::testing::write_tiny_idx(folder_.path());
    config_.dataset = "idx";
    config_.data_dir = folder_.path();
    config_.eval_split = "test";
  }
  OpenedData open(const std::function<void(DatasetConfig&)>& change, uint64_t seed = 42) const {
    DatasetConfig config = config_;
    change(config);
    return open_datasets(config, seed);
  }
  std::string refusal(const std::function<void(DatasetConfig&)>& change,
                      ExitCode code = ExitCode::kConfig) const {
    return error_text([&] { open(change); }, code);
  }
  dtrain::testing::TempFolder folder_;
  DatasetConfig config_;
};

TEST_F(OpenDatasetsTest, WithoutSettingsTheSplitsAreThoseOfTheFiles) {
  const OpenedData data = open([](auto&) {});
  EXPECT_EQ(data.train->fingerprint(), open_dataset(config_, Split::kTrain)->fingerprint());
  EXPECT_EQ(data.eval->fingerprint(), open_dataset(config_, Split::kEval)->fingerprint());
  EXPECT_EQ(data.unlabeled, nullptr);
}

TEST_F(OpenDatasetsTest, AHoldoutIsEvaluatedOnAndNotTrainedOn) {
  const OpenedData data = open([](auto& c) { c.holdout = 0.25; });
  EXPECT_EQ(data.train->size(), 48);
  EXPECT_EQ(data.eval->size(), 16);
  EXPECT_TRUE(apart(ids_of(*data.train), ids_of(*data.eval)));
  std::vector<int64_t> counts(4);
  for (const int64_t target : targets_of(*data.eval)) ++counts[size_t(target)];
  EXPECT_EQ(counts, std::vector<int64_t>(4, 4));
  EXPECT_TRUE(mentions(data.eval->name(), {"idx/train", "held out"}));
}

TEST_F(OpenDatasetsTest, FoldsAreEvaluatedOnInTurn) {
  Ids all;
  for (int64_t fold = 0; fold < 3; ++fold) {
    const OpenedData data = open([&](auto& c) { c.folds = 3, c.fold = fold; });
    const Ids eval = ids_of(*data.eval);
    EXPECT_TRUE(apart(all, eval));
    EXPECT_TRUE(apart(ids_of(*data.train), eval));
    EXPECT_EQ(data.train->size() + data.eval->size(), 64);
    all.insert(eval.begin(), eval.end());
  }
  EXPECT_EQ(all.size(), 64U);
}

TEST_F(OpenDatasetsTest, FewLabelsLeaveARestToLearnFromWithout) {
  const OpenedData data = open([](auto& c) { c.labels_per_class = 3, c.unlabeled = "rest"; });
  EXPECT_EQ(data.train->size(), 12);
  ASSERT_NE(data.unlabeled, nullptr);
  EXPECT_EQ(data.unlabeled->size(), 52);
  EXPECT_TRUE(apart(ids_of(*data.train), ids_of(*data.unlabeled)));
  EXPECT_EQ(data.eval->size(), 32);
  EXPECT_EQ(open([](auto& c) { c.labels_per_class = 3; }).unlabeled, nullptr);
}

TEST_F(OpenDatasetsTest, LabelsAreTakenFromWhatIsNotHeldOut) {
  const OpenedData data =
      open([](auto& c) { c.holdout = 0.5, c.labels_per_class = 3, c.unlabeled = "rest"; });
  EXPECT_EQ(data.train->size(), 12);
  EXPECT_EQ(data.unlabeled->size(), 20);
  EXPECT_EQ(data.eval->size(), 32);
  EXPECT_TRUE(apart(ids_of(*data.eval), ids_of(*data.train)));
  EXPECT_TRUE(apart(ids_of(*data.eval), ids_of(*data.unlabeled)));
}

TEST_F(OpenDatasetsTest, WhatIsHeldOutDoesNotChangeWithOtherSettings) {
  const Ids plain = ids_of(*open([](auto& c) { c.holdout = 0.25; }).eval);
  const Ids others = ids_of(*open([](auto& c) {
                               c.holdout = 0.25, c.limit_train = 5, c.labels_per_class = 2;
                               c.unlabeled = "rest", c.eval_split = "train", c.fold = 0;
                             }).eval);
  EXPECT_EQ(others, plain);
}

TEST_F(OpenDatasetsTest, LimitsThinThePartsOut) {
  const OpenedData data =
      open([](auto& c) { c.holdout = 0.25, c.limit_train = 10, c.limit_eval = 5; });
  EXPECT_EQ(data.train->size(), 10);
  EXPECT_EQ(data.eval->size(), 5);
  const Ids all = ids_of(*open([](auto& c) { c.holdout = 0.25; }).eval);
  for (const int64_t id : ids_of(*data.eval)) EXPECT_TRUE(all.contains(id));
}

TEST_F(OpenDatasetsTest, TheSeedIsTheRunsUnlessThereIsAnother) {
  const auto held = [&](uint64_t run_seed, int64_t split_seed) {
    return ids_of(
        *open([&](auto& c) { c.holdout = 0.25, c.split_seed = split_seed; }, run_seed).eval);
  };
  EXPECT_EQ(held(1, -1), held(2, 1));
  EXPECT_NE(held(1, -1), held(2, -1));
  EXPECT_EQ(held(1, 0), held(2, 0));
}

TEST_F(OpenDatasetsTest, ContradictionsAreReportedTogether) {
  EXPECT_TRUE(mentions(refusal([](auto& c) { c.holdout = 0.1, c.folds = 3, c.fold = 3; }),
                       {"2 problems", "data.folds: is 3, but data.holdout", "data.fold: is 3"}));
  EXPECT_TRUE(mentions(refusal([](auto& c) { c.folds = 1; }), {"at least two"}));
  EXPECT_TRUE(mentions(refusal([](auto& c) { c.fold = 2; }), {"data.folds is 0"}));
}

TEST_F(OpenDatasetsTest, PartsWithoutSamplesAreRefused) {
  EXPECT_TRUE(mentions(refusal([](auto& c) { c.folds = 100, c.fold = 99; }), {"data.folds"}));
  EXPECT_TRUE(mentions(refusal([](auto& c) { c.labels_per_class = 17; }), {"class 0 has 16"}));
  EXPECT_TRUE(mentions(refusal([](auto& c) { c.unlabeled = "rest"; }), {"labels_per_class"}));
  EXPECT_TRUE(mentions(refusal([](auto& c) { c.unlabeled = "split"; }), {"no split unlabeled"}));
}

class UnlabelledTest : public OpenDatasetsTest {
 protected:
  void add(const std::string& path) const {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(dtrain::testing::kPictures / "jpeg_420.jpg", folder_ / path);
  }
};

TEST_F(UnlabelledTest, ADataSetsOwnUnlabelledSplitIsOpened) {
  for (const char* path : {"training/labeled/0/1.jpg",
                           "training/unlabeled/x/2.jpg",
                           "training/unlabeled/x/3.jpg",
                           "testing/0/4.jpg"}) {
    add(path);
  }
  config_.dataset = "image_folder";
  const OpenedData data = open([](auto& c) { c.unlabeled = "split"; });
  EXPECT_EQ(data.train->size(), 1);
  ASSERT_NE(data.unlabeled, nullptr);
  EXPECT_EQ(targets_of(*data.unlabeled), std::vector<int64_t>(2, kUnlabelled));
}

TEST_F(UnlabelledTest, SamplesWithoutALabelAreSetApartOrRefused) {
  std::ofstream csv(folder_ / "all.csv");
  csv << "path,label,split\n";
  for (int i = 0; i < 8; ++i) {
    const std::string name = std::to_string(i) + ".jpg";
    add(name);
    csv << name << "," << (i < 3 ? "" : i % 2 == 0 ? "a" : "b") << (i < 6 ? ",train\n" : ",test\n");
  }
  csv.close();
  config_.dataset = "csv";
  config_.data_dir = folder_ / "all.csv";
  const OpenedData data = open([](auto& c) { c.unlabeled = "rest"; });
  EXPECT_EQ(targets_of(*data.train), (std::vector<int64_t>{1, 0, 1}));
  EXPECT_EQ(targets_of(*data.unlabeled), std::vector<int64_t>(3, kUnlabelled));
  EXPECT_TRUE(mentions(refusal([](auto&) {}, ExitCode::kData),
                       {"3 of 6", "sample 0", "data.unlabeled=rest"}));
  EXPECT_TRUE(mentions(
      refusal([](auto& c) { c.unlabeled = "rest", c.eval_split = "train"; }, ExitCode::kData),
      {"3 of 6", "evaluate on another split"}));
}

}  // namespace
}  // namespace dtrain::data
