// A data set with every problem there is, and data sets without any.
#include "data/verify/verify_data.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <set>

#include "data/datasets/open_datasets.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;

class VerifyDataTest : public ::testing::Test {
 protected:
  void add(const std::string& path, const std::string& picture) const {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(kPictures / picture, folder_ / path);
  }
  VerifyReport verify(int64_t workers = 2) const {
    DatasetConfig data;
    data.dataset = "image_folder";
    data.data_dir = folder_.path();
    data.eval_split = "validation";
    return verify_data({.data = data, .workers = workers});
  }
  // A good data set of two classes.
  void add_good() const {
    add("train/cat/1.jpg", "jpeg_420.jpg");
    add("train/dog/2.png", "photo.png");
    add("val/cat/3.jpg", "jpeg_444.jpg");
    add("val/dog/4.jpg", "jpeg_grey.jpg");
  }
  dtrain::testing::TempFolder folder_;
};

// Kinds with what they were found in, the folder's path left out.
using Found = std::multiset<std::pair<std::string, std::string>>;
Found found_in(const VerifyReport& report) {
  Found found;
  for (const Finding& finding : report.findings) {
    std::string where = finding.where;
    if (where.starts_with(report.folder)) where = where.substr(report.folder.size() + 1);
    found.insert({finding_row(finding.kind).name, where});
  }
  return found;
}

TEST_F(VerifyDataTest, AGoodDataSetHasNothingButTheNoteOfTheSplitThatIsMissing) {
  add_good();
  const VerifyReport report = verify();
  ASSERT_EQ(report.splits.size(), 2U);
  for (const SplitReport& split : report.splits) {
    EXPECT_EQ(split.samples, 2);
    EXPECT_EQ(split.good, 2);
    EXPECT_EQ(split.class_names, (std::vector<std::string>{"cat", "dog"}));
    EXPECT_EQ(split.class_samples, (std::vector<int64_t>{1, 1}));
  }
  EXPECT_EQ(
      report.splits[0].bytes,
      int64_t(fs::file_size(kPictures / "jpeg_420.jpg") + fs::file_size(kPictures / "photo.png")));
  EXPECT_FALSE(report.training_would_fail());
  EXPECT_EQ(found_in(report), (Found{{"not_checked", "data set image_folder/test"}}));
}

TEST_F(VerifyDataTest, EveryBadFileIsListedOnceAndNotOnlyTheFirst) {
  add_good();
  add("train/cat/cut.jpg", "jpeg_422.jpg");
  fs::resize_file(folder_ / "train/cat/cut.jpg", 900);
  add("train/cat/cut.png", "png_alpha.png");
  fs::resize_file(folder_ / "train/cat/cut.png", 900);
  add("train/cat/flipped.png", "png_grey.png");
  std::fstream(folder_ / "train/cat/flipped.png", std::ios::in | std::ios::out).seekp(100) << "xx";
  std::ofstream(folder_ / "train/dog/empty.jpg").flush();
  std::ofstream(folder_ / "train/dog/text.jpg") << "no picture";
  std::ofstream(folder_ / "train/dog/huge.jpg").flush();
  fs::resize_file(folder_ / "train/dog/huge.jpg", 300 << 20);
  add("train/dog/claim.jpg", "jpeg_low_quality.jpg");
  {
    auto bytes = dtrain::testing::bytes_of(folder_ / "train/dog/claim.jpg");
    for (size_t i = 0; i + 8 < bytes.size(); ++i) {
      if (bytes[i] == 0xFF && bytes[i + 1] == 0xC0) bytes[i + 5] = bytes[i + 7] = 0x7F;
    }
    std::ofstream(folder_ / "train/dog/claim.jpg", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  }
  ASSERT_EQ(::mkfifo((folder_ / "train/dog/pipe.jpg").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder_ / "train/dog/device.png");
  fs::create_symlink("loop.jpg", folder_ / "train/dog/loop.jpg");
  fs::create_directory_symlink("..", folder_ / "train/dog/back");
  add("train/stray.jpg", "jpeg_orientation_1.jpg");
  for (const int64_t workers : {1, 4}) {
    const VerifyReport report = verify(workers);
    EXPECT_TRUE(report.training_would_fail());
    EXPECT_EQ(found_in(report),
              (Found{{"truncated", "train/cat/cut.jpg"},
                     {"truncated", "train/cat/cut.png"},
                     {"damaged", "train/cat/flipped.png"},
                     {"empty_file", "train/dog/empty.jpg"},
                     {"not_a_picture", "train/dog/text.jpg"},
                     {"too_large", "train/dog/huge.jpg"},
                     {"too_large", "train/dog/claim.jpg"},
                     {"refused_path", "train/dog/pipe.jpg"},
                     {"refused_path", "train/dog/device.png"},
                     {"refused_path", "train/dog/loop.jpg"},
                     {"refused_path", "train/dog/back"},
                     {"no_class", "train/stray.jpg"},
                     {"not_checked", "data set image_folder/test"}}));
    EXPECT_EQ(report.splits[0].good, 2);
    EXPECT_EQ(report.count(FindingKind::kTruncated, "train"), 2);
    EXPECT_EQ(report.count(FindingKind::kTruncated, "validation"), 0);
  }
}

TEST_F(VerifyDataTest, OddPicturesAreNotesAndTrainingCanStart) {
  add_good();
  add("test/cat/turned.jpg", "jpeg_orientation_6.jpg");
  add("test/cat/deep.png", "png_16_bit.png");
  add("test/dog/print.jpg", "jpeg_cmyk.jpg");
  add("test/dog/named.JPG", "png_palette.png");
  std::ofstream(folder_ / "test/dog/list.txt") << "cat, dog";
  std::ofstream(folder_ / "test/dog/.list") << "cat, dog";
  const VerifyReport report = verify();
  EXPECT_FALSE(report.training_would_fail());
  EXPECT_EQ(report.count(Severity::kNote), int64_t(report.findings.size()));
  EXPECT_EQ(found_in(report),
            (Found{{"rotated", "test/cat/turned.jpg"},
                   {"sixteen_bit", "test/cat/deep.png"},
                   {"cmyk", "test/dog/print.jpg"},
                   {"wrong_extension", "test/dog/named.JPG"},
                   {"ignored_file", "test/dog/list.txt"},
                   {"ignored_file", "test/dog/.list"}}));
}

TEST_F(VerifyDataTest, AllFormatsAreDecodedAndNamedWhereTheirEndingIsOfAnother) {
  add_good();
  for (const auto& entry : fs::directory_iterator(kPictures.parent_path() / "formats")) {
    const fs::path name = entry.path().filename();
    if (name.extension() != ".png") add("train/cat/" + name.string(), "../formats" / name);
  }
  add("train/dog/named.jpg", "../formats/webp_lossless.webp");
  add("train/dog/cut.tif", "../formats/tiff_rgb.tif");
  fs::resize_file(folder_ / "train/dog/cut.tif", 1000);
  const VerifyReport report = verify();
  EXPECT_EQ(report.splits[0].good, 2 + 39 + 1);
  EXPECT_EQ(report.count(Severity::kError), 1);
  EXPECT_EQ(report.count(FindingKind::kTruncated, "train"), 1);
  EXPECT_EQ(report.count(FindingKind::kCmyk, "train"), 1);
  EXPECT_EQ(report.count(FindingKind::kSixteenBit, "train"), 2);
  EXPECT_EQ(report.count(FindingKind::kRotated, "train"), 5);
  EXPECT_TRUE(found_in(report).contains({"wrong_extension", "train/dog/named.jpg"}));
  EXPECT_EQ(report.count(FindingKind::kWrongExtension, "train"), 1);
}

TEST_F(VerifyDataTest, TheUnlabelledPartIsASplitLikeTheOthers) {
  add("training/labeled/cat/1.jpg", "jpeg_420.jpg");
  add("training/labeled/dog/2.png", "photo.png");
  add("validation/cat/3.jpg", "jpeg_444.jpg");
  add("validation/dog/4.jpg", "jpeg_grey.jpg");
  add("training/unlabeled/5.jpg", "jpeg_444.jpg");  // which stands in the validation split too
  std::ofstream(folder_ / "training/unlabeled/6.jpg");
  const VerifyReport report = verify();
  ASSERT_EQ(report.splits.size(), 3U);
  EXPECT_EQ(report.splits[2].split, "unlabeled");
  EXPECT_EQ(report.splits[2].samples, 2);
  EXPECT_EQ(found_in(report),
            (Found{{"empty_file", "training/unlabeled/6.jpg"},
                   {"in_two_splits", "training/unlabeled/5.jpg"},
                   {"not_checked", "data set image_folder/test"}}));
}

TEST_F(VerifyDataTest, AFlatTestSplitWithoutLabelsIsANoteUnlessTheRunNeedsThem) {
  add_good();
  for (int i = 0; i < 3; ++i) add("test/" + std::to_string(i) + ".jpg", "jpeg_422.jpg");
  const VerifyReport report = verify();
  EXPECT_FALSE(report.training_would_fail());
  EXPECT_EQ(report.count(FindingKind::kNoLabels, "test"), 1);
  EXPECT_EQ(report.count(FindingKind::kMissingClass, "test"), 0);
  DatasetConfig data;
  data.dataset = "image_folder";
  data.data_dir = folder_.path();
  data.eval_split = "test";
  const VerifyReport needed = verify_data({.data = data});
  EXPECT_TRUE(needed.training_would_fail());
  EXPECT_EQ(needed.count(FindingKind::kLacksLabels, "test"), 1);
}

TEST_F(VerifyDataTest, TrainingCanStartExactlyWhereTheSettingsFitTheData) {
  for (const char* path : {"train/cat/1.jpg", "train/cat/2.jpg", "train/cat/3.jpg"}) {
    add(path, "jpeg_420.jpg");
  }
  for (const char* path : {"train/dog/4.jpg", "train/dog/5.jpg"}) add(path, "jpeg_444.jpg");
  for (const char* path : {"test/0001.jpg", "test/0002.jpg"}) add(path, "jpeg_422.jpg");
  const auto judge = [&](auto change) {
    DatasetConfig data;
    data.dataset = "image_folder";
    data.data_dir = folder_.path();
    change(data);
    const VerifyReport report = verify_data({.data = data});
    bool opens = true;
    try {
      open_datasets(data, 0);
    } catch (const Error&) {
      opens = false;
    }
    EXPECT_EQ(report.training_would_fail(), !opens);
    return opens;
  };
  // A tenth of the training split is held out; the test split has no labels.
  EXPECT_TRUE(judge([](auto&) {}));
  EXPECT_FALSE(judge([](auto& data) { data.test_split = "test"; }));
  EXPECT_FALSE(judge([](auto& data) { data.test_split = "validation"; }));
  EXPECT_FALSE(judge([](auto& data) { data.eval_split = "validation"; }));
  EXPECT_TRUE(judge([](auto& data) { data.folds = 2; }));
  EXPECT_FALSE(judge([](auto& data) { data.folds = 9, data.fold = 8; }));
  EXPECT_FALSE(judge([](auto& data) { data.unlabeled = "rest"; }));
  EXPECT_FALSE(judge([](auto& data) { data.labels_per_class = 3; }));
  EXPECT_FALSE(judge([](auto& data) { data.unlabeled = "split"; }));
  // A bad image matters to those who use its split.
  fs::resize_file(folder_ / "test/0001.jpg", 0);
  EXPECT_TRUE(judge([](auto&) {}));
  EXPECT_EQ(verify().count(FindingKind::kEmptyFile, "test"), 1);
}

TEST_F(VerifyDataTest, WithPartsOfTheTrainingSplitNoOtherIsNeeded) {
  add("train/cat/1.jpg", "jpeg_420.jpg");
  add("train/dog/2.png", "photo.png");
  add("train/cat/3.jpg", "jpeg_444.jpg");  // of a class with one image nothing can be held out
  add("train/dog/4.jpg", "jpeg_422.jpg");
  for (const bool folds : {false, true}) {
    DatasetConfig data;
    data.dataset = "image_folder";
    data.data_dir = folder_.path();
    data.folds = folds ? 2 : 0;
    data.holdout = folds ? 0 : 0.5;
    const VerifyReport report = verify_data({.data = data});
    EXPECT_FALSE(report.training_would_fail());
    EXPECT_EQ(report.splits.size(), 1U);
  }
}

TEST_F(VerifyDataTest, SplitsAreComparedByTheirClasses) {
  add_good();
  fs::create_directories(folder_ / "train/bird");
  add("val/fox/5.jpg", "jpeg_422.jpg");
  add("val/fox/6.jpg", "jpeg_orientation_2.jpg");
  fs::remove_all(folder_ / "val/dog");
  const VerifyReport report = verify();
  EXPECT_TRUE(report.training_would_fail());
  EXPECT_EQ(found_in(report),
            (Found{{"empty_class", "train/bird"},
                   {"unknown_class", "val/fox/5.jpg"},
                   {"missing_class", "image_folder/validation"},
                   {"not_checked", "data set image_folder/test"}}));
  for (const Finding& finding : report.findings) {
    if (finding.kind != FindingKind::kUnknownClass) continue;
    EXPECT_TRUE(mentions(finding.detail, {"train has no class fox", "2"}));
  }
}

TEST_F(VerifyDataTest, TheSameContentIsFoundAcrossSplitsAndClasses) {
  add_good();
  add("train/cat/1_again.jpg", "jpeg_420.jpg");
  add("train/dog/1_as_dog.jpg", "jpeg_420.jpg");
  add("val/cat/1.jpg", "jpeg_420.jpg");
  add("val/cat/1_again.jpg", "jpeg_420.jpg");
  add("test/dog/2.png", "photo.png");
  add("test/cat/7.jpg", "jpeg_422.jpg");
  const VerifyReport report = verify();
  EXPECT_FALSE(report.training_would_fail());
  EXPECT_EQ(found_in(report),
            (Found{{"duplicate", "train/cat/1_again.jpg"},
                   {"conflicting_labels", "train/dog/1_as_dog.jpg"},
                   {"in_two_splits", "val/cat/1.jpg"},
                   {"duplicate", "val/cat/1_again.jpg"},
                   {"in_two_splits", "test/dog/2.png"}}));
  for (const Finding& finding : report.findings) {
    if (finding.kind != FindingKind::kConflictingLabels) continue;
    EXPECT_TRUE(mentions(finding.detail, {"train/cat/1.jpg again", "dog here and cat there"}));
  }
}

TEST_F(VerifyDataTest, ASplitOfTheRunThatIsMissingIsAnErrorAndTheOthersAreStillChecked) {
  add("train/cat/1.jpg", "jpeg_420.jpg");
  std::ofstream(folder_ / "train/cat/2.jpg") << "no picture";
  const Found found = found_in(verify());
  EXPECT_EQ(found,
            (Found{{"cannot_open", "data set image_folder/validation"},
                   {"not_a_picture", "train/cat/2.jpg"},
                   {"not_checked", "data set image_folder/test"}}));
}

TEST_F(VerifyDataTest, DataSetsWithoutFilesOfTheirOwnAreReadToTheEnd) {
  dtrain::testing::write_tiny_idx(folder_.path());
  DatasetConfig data;
  data.dataset = "idx";
  data.data_dir = folder_.path();
  const VerifyReport report = verify_data({.data = data, .workers = 2});
  EXPECT_FALSE(report.training_would_fail());
  ASSERT_EQ(report.splits.size(), 2U);
  for (const SplitReport& split : report.splits) {
    EXPECT_EQ(split.samples, split.split == "train" ? 64 : 32);
    EXPECT_EQ(split.good, split.samples);
    EXPECT_EQ(split.bytes, split.samples * 8 * 8);
    EXPECT_EQ(split.class_samples, std::vector<int64_t>(4, split.samples / 4));
  }
  EXPECT_EQ(found_in(report), Found{});
  for (const char* file : {"train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}) {
    fs::resize_file(folder_ / file, fs::file_size(folder_ / file) - 20);
  }
  EXPECT_EQ(verify_data({.data = data, .workers = 2}).count(FindingKind::kCannotOpen, "train"), 1);
}

TEST_F(VerifyDataTest, ProgressGoesFromZeroToAll) {
  add_good();
  DatasetConfig data;
  data.dataset = "image_folder";
  data.data_dir = folder_.path();
  data.eval_split = "validation";
  std::map<std::string, std::pair<int64_t, int64_t>> last;
  verify_data({.data = data,
               .workers = 1,
               .progress = [&](const std::string& split, int64_t done, int64_t total) {
                 EXPECT_GE(done, last[split].first);
                 last[split] = {done, total};
               }});
  EXPECT_EQ(last["train"], (std::pair<int64_t, int64_t>(2, 2)));
  EXPECT_EQ(last["validation"], (std::pair<int64_t, int64_t>(2, 2)));
}

}  // namespace
}  // namespace dtrain::data
