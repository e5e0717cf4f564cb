// Folders of pictures in their layouts, and what has no place in them.
#include "data/datasets/image_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "data/loader/data_loader.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;
using Names = std::vector<std::string>;

class ImageFolderTest : public ::testing::Test {
 protected:
  void add(const std::string& path, const std::string& picture = "jpeg_420.jpg") const {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(kPictures / picture, folder_ / path);
  }
  ImageFolder open(const std::string& split = "train", int64_t limit = 0) const {
    return ImageFolder({.name = "pictures/" + split,
                        .root = folder_.path(),
                        .split = split,
                        .class_split = "train",
                        .limit = limit,
                        .advice = "name another folder"});
  }
  std::string refusal(const std::string& split = "train") const {
    try {
      open(split);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      return error.what();
    }
    return "none";
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(ImageFolderTest, FoldersAreClassesInTheOrderOfTheirNames) {
  add("train/dog/b.jpg");
  add("train/cat/a.png", "photo.png");
  add("train/dog/deeper/c.JPEG");
  add("val/dog/x.jpg");
  std::ofstream(folder_ / "train/notes.txt") << "no picture";
  const ImageFolder train = open(), eval = open("validation");
  EXPECT_EQ(train.class_names(), (Names{"cat", "dog"}));
  ASSERT_EQ(train.size(), 3);
  Sample sample;
  train.read(2, sample);
  EXPECT_EQ(sample.target, 1);
  EXPECT_EQ(train.target(2), 1);
  EXPECT_EQ(sample.id, 2);
  EXPECT_EQ(sample.encoded, dtrain::testing::bytes_of(kPictures / "jpeg_420.jpg"));
  EXPECT_EQ(train.path(2), folder_ / "train/dog/deeper/c.JPEG");
  EXPECT_EQ(eval.class_names(), train.class_names());
  eval.read(0, sample);
  EXPECT_EQ(sample.target, 1);
}

TEST_F(ImageFolderTest, OtherFormatsAreImagesTooAndWhatIsIgnoredIsCountedOnce) {
  const auto add_format = [&](const std::string& path, const std::string& name) {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(kPictures.parent_path() / "formats" / name, folder_ / path);
  };
  add("train/cat/a.jpg");
  add_format("train/cat/b.webp", "webp_lossy.webp");
  add_format("train/cat/c.TIF", "tiff_cmyk.tif");
  add_format("train/dog/d.bmp", "bmp_24.bmp");
  add_format("train/dog/e.gif", "gif.gif");
  add_format("train/dog/f.jp2", "jpeg2000.jp2");
  add_format("train/dog/g.ppm", "pnm_rgb.ppm");
  add("val/dog/x.jpg");
  for (const char* name : {"notes.txt", "cat/more.txt", "cat/.hidden.jpg", "dog/README"}) {
    std::ofstream(folder_ / "train" / name) << "no image";
  }
  util::log().add_file(folder_ / "log.txt");
  EXPECT_EQ(open().size(), 7);
  open();
  open("validation");  // where the classes of the training split are listed again
  util::log().remove_files();
  const auto bytes = dtrain::testing::bytes_of(folder_ / "log.txt");
  const std::string text(bytes.begin(), bytes.end());
  const std::string wanted = "train: ignored 4 files: 2 .txt, 1 hidden, 1 without an extension";
  EXPECT_TRUE(mentions(text, {wanted}));
  EXPECT_EQ(text.find(wanted), text.rfind(wanted)) << text;
}

TEST_F(ImageFolderTest, FlatFilesHaveTheirClassInTheirName) {
  for (const char* name :
       {"training/0_5.jpg", "training/10_0.jpg", "training/2_1.jpg", "validation/2_9.jpg"}) {
    add(name);
  }
  const ImageFolder train = open();
  EXPECT_EQ(train.num_classes(), 11);
  EXPECT_EQ(train.class_names()[10], "10");
  Sample sample;
  for (int64_t i = 0; i < 3; ++i) {
    train.read(i, sample);
    EXPECT_EQ(sample.target, (std::vector<int64_t>{0, 10, 2}[size_t(i)])) << train.path(i);
  }
}

TEST_F(ImageFolderTest, OnlyTheLabelledPartIsTakenWhereThereIsOne) {
  add("training/labeled/00/a.jpg");
  add("training/labeled/01/b.jpg");
  add("training/unlabeled/00/c.jpg");
  EXPECT_EQ(open().size(), 2);
  EXPECT_EQ(open().class_names(), (Names{"00", "01"}));
}

TEST_F(ImageFolderTest, TheUnlabelledPartIsASplitWithoutTargets) {
  add("training/labeled/00/a.jpg");
  add("training/labeled/01/b.jpg");
  add("training/unlabeled/00/c.jpg");
  add("training/unlabeled/d.jpg");
  const ImageFolder unlabelled = open("unlabeled");
  EXPECT_EQ(unlabelled.class_names(), (Names{"00", "01"}));
  ASSERT_EQ(unlabelled.size(), 2);
  Sample sample;
  for (int64_t i = 0; i < 2; ++i) {
    unlabelled.read(i, sample);
    EXPECT_EQ(sample.target, kUnlabelled);
    EXPECT_EQ(unlabelled.target(i), kUnlabelled);
  }
  EXPECT_EQ(unlabelled.path(1).filename(), "d.jpg");
}

TEST_F(ImageFolderTest, TestPicturesOfFood11Of2021HaveNoLabelsThoughTheyStandInAFolder) {
  for (const char* name : {"training/labeled/00/a.jpg",
                           "training/labeled/01/b.jpg",
                           "training/unlabeled/00/c.jpg",
                           "validation/00/d.jpg",
                           "validation/01/e.jpg",
                           "testing/00/f.jpg",
                           "testing/00/g.jpg"}) {
    add(name);
  }
  const ImageFolder test = open("test"), validation = open("validation");
  ASSERT_EQ(test.size(), 2);
  EXPECT_EQ(test.class_names(), (Names{"00", "01"}));
  EXPECT_EQ(test.target(0), kUnlabelled);
  EXPECT_EQ(test.target(1), kUnlabelled);
  EXPECT_EQ(validation.target(1), 1);
}

TEST_F(ImageFolderTest, UnlabelledPicturesMayStandBesideTheSplits) {
  add("train/a/1.jpg");
  add("unlabeled/x.jpg");
  EXPECT_EQ(open("unlabeled").size(), 1);
  fs::remove_all(folder_ / "unlabeled");
  EXPECT_TRUE(mentions(refusal("unlabeled"), {"train/unlabeled", "training/unlabeled"}));
}

TEST_F(ImageFolderTest, ALimitTakesSamplesOfAllClasses) {
  for (int i = 0; i < 30; ++i)
    add("train/" + std::to_string(i / 10) + "/" + std::to_string(i) + ".jpg");
  const ImageFolder some = open("train", 6);
  ASSERT_EQ(some.size(), 6);
  std::vector<int64_t> targets;
  Sample sample;
  for (int64_t i = 0; i < 6; ++i) {
    some.read(i, sample);
    targets.push_back(sample.target);
  }
  EXPECT_EQ(targets, (std::vector<int64_t>{0, 0, 1, 1, 2, 2}));
}

TEST_F(ImageFolderTest, FingerprintFollowsPathsSizesAndClasses) {
  add("train/a/1.jpg");
  add("train/b/2.jpg");
  const std::string before = open().fingerprint();
  EXPECT_EQ(open().fingerprint(), before);
  fs::rename(folder_ / "train/a/1.jpg", folder_ / "train/a/3.jpg");
  EXPECT_NE(open().fingerprint(), before);
}

TEST_F(ImageFolderTest, WhatIsMissingIsNamed) {
  EXPECT_TRUE(mentions(refusal(), {"train or training", folder_.path().string()}));
  fs::create_directories(folder_ / "train/a");
  EXPECT_TRUE(mentions(refusal(), {"no image below"}));
  add("train/a/1.jpg");
  add("test/b/1.jpg");
  EXPECT_TRUE(mentions(refusal("test"), {"test/b/1.jpg", "no class b"}));
  add("train/stray.jpg");
  EXPECT_TRUE(mentions(refusal(), {"train/stray.jpg", "no class's folder"}));
}

TEST_F(ImageFolderTest, LinksOutPipesAndLoopsAreRefusedWithoutWaiting) {
  add("train/a/1.jpg");
  const dtrain::testing::TempFolder elsewhere;
  fs::copy_file(kPictures / "jpeg_420.jpg", elsewhere / "x.jpg");
  fs::create_symlink(elsewhere / "x.jpg", folder_ / "train/a/out.jpg");
  EXPECT_TRUE(mentions(refusal(), {"out.jpg", "leads out"}));
  fs::remove(folder_ / "train/a/out.jpg");
  ASSERT_EQ(::mkfifo((folder_ / "train/a/pipe.jpg").c_str(), 0600), 0);
  EXPECT_TRUE(mentions(refusal(), {"pipe.jpg", "not a regular file"}));
  fs::remove(folder_ / "train/a/pipe.jpg");
  fs::create_directory_symlink(folder_ / "train", folder_ / "train/a/back");
  EXPECT_TRUE(mentions(refusal(), {"train/a/back", "leads back"}));
  fs::remove(folder_ / "train/a/back");
  fs::create_symlink("nowhere.jpg", folder_ / "train/a/lost.jpg");
  EXPECT_TRUE(mentions(refusal(), {"lost.jpg", "nowhere"}));
}

TEST_F(ImageFolderTest, LinksOutAreFollowedWhereThatIsWantedAndLoopsAreNot) {
  const dtrain::testing::TempFolder elsewhere;
  fs::create_directories(elsewhere / "pictures/deep");
  fs::copy_file(kPictures / "jpeg_420.jpg", elsewhere / "pictures/deep/1.jpg");
  fs::copy_file(kPictures / "jpeg_444.jpg", elsewhere / "2.jpg");
  add("train/a/0.jpg");
  fs::create_directory_symlink(elsewhere / "pictures", folder_ / "train/b");
  fs::create_symlink(elsewhere / "2.jpg", folder_ / "train/a/2.jpg");
  EXPECT_TRUE(mentions(refusal(), {"leads out", "data.follow_links=true"}));
  ImageFolderOptions options;
  options.name = "pictures/train";
  options.root = folder_.path();
  options.follow_links = true;
  const ImageFolder followed(options);
  EXPECT_EQ(followed.size(), 3);
  EXPECT_EQ(followed.class_names(), (Names{"a", "b"}));
  EXPECT_EQ(followed.origin(2), "train/b/deep/1.jpg");
  fs::create_directory_symlink(elsewhere / "pictures", elsewhere / "pictures/deep/again");
  EXPECT_TRUE(mentions(error_text([&] { ImageFolder{options}; }, ExitCode::kData), {"leads back"}));
}

TEST_F(ImageFolderTest, ASecondFolderOfASplitIsNotPassedOverWithoutAWord) {
  add("val/a/1.jpg");
  add("train/a/1.jpg");
  add("validation/a/1.jpg");
  util::log().add_file(folder_ / "log.txt");
  open("validation");
  util::log().remove_files();
  const auto bytes = dtrain::testing::bytes_of(folder_ / "log.txt");
  EXPECT_TRUE(mentions(std::string(bytes.begin(), bytes.end()),
                       {"val is not used: validation is the same split"}));
}

TEST_F(ImageFolderTest, AFlatSplitWithoutAClassInItsNamesHasNoLabels) {
  for (const char* name : {"train/cat/1.jpg", "train/dog/2.jpg", "test/0001.jpg", "test/x_2.jpg"}) {
    add(name);
  }
  const ImageFolder test = open("test");
  ASSERT_EQ(test.size(), 2);
  EXPECT_EQ(test.target(0), kUnlabelled);
  EXPECT_EQ(test.class_names(), (Names{"cat", "dog"}));
  // Some with a class and some without are a slip.
  add("test/cat/3.jpg");
  EXPECT_TRUE(mentions(refusal("test"), {"test/0001.jpg", "holds no class", "1 others of 3"}));
}

TEST_F(ImageFolderTest, ASplitThatIsALinkOutOfTheRootIsRefused) {
  const dtrain::testing::TempFolder elsewhere;
  fs::create_directories(elsewhere / "train/a");
  fs::copy_file(kPictures / "jpeg_420.jpg", elsewhere / "train/a/x.jpg");
  fs::create_directory_symlink(elsewhere / "train", folder_ / "train");
  EXPECT_TRUE(mentions(refusal(), {"train", "leads out"}));
  fs::rename(elsewhere / "train", folder_ / "pictures");
  fs::remove(folder_ / "train");
  fs::create_directory_symlink("pictures", folder_ / "train");
  EXPECT_EQ(open().size(), 1);
}

TEST_F(ImageFolderTest, ATreeOfLinksIsNotWalkedTwice) {
  for (int level = 0; level < 12; ++level) {  // 2^12 ways to the picture
    const fs::path folder =
        folder_ / ("train/" + std::string(level < 9 ? "0" : "") + std::to_string(level + 1));
    fs::create_directories(folder);
    for (const char* name : {"x", "y"}) {
      const std::string next = std::to_string(level + 2);
      fs::create_directory_symlink("../" + std::string(level < 8 ? "0" : "") + next, folder / name);
    }
  }
  add("train/13/a.jpg");
  std::vector<FolderProblem> problems;
  const ImageFolder pictures({.name = "links",
                              .root = folder_.path(),
                              .split = "train",
                              .class_split = "train",
                              .advice = "",
                              .problems = &problems});
  EXPECT_EQ(pictures.size(), 1);
  EXPECT_LT(problems.size(), 40U);
}

TEST_F(ImageFolderTest, ABadPictureArrivesAtTheTrainerWithItsName) {
  for (int i = 0; i < 4; ++i) add("train/a/" + std::to_string(i) + ".jpg");
  fs::resize_file(folder_ / "train/a/2.jpg", 1500);
  const ImageFolder pictures = open();
  FramingParameters framing;
  framing.shape = {16, 16, 3};
  framing.resize = 18;
  const View view{.name = "eval", .framing = framing, .steps = {}, .shape = framing.shape};
  for (const int64_t workers : {0, 2}) {
    DataLoader loader(pictures, Sampler::evaluation(4, 4, {0, 1}), {view}, {.workers = workers});
    loader.start_epoch(0);
    try {
      loader.next();
      ADD_FAILURE() << "a cut picture was decoded";
    } catch (const Error& error) {
      EXPECT_TRUE(mentions(error.what(), {"train/a/2.jpg", "damaged"})) << error.what();
    }
  }
}

TEST_F(ImageFolderTest, BatchesDoNotDependOnWorkers) {
  for (int i = 0; i < 24; ++i) {
    add("train/" + std::to_string(i % 3) + "/" + std::to_string(i) + ".jpg",
        i % 2 == 0 ? "jpeg_orientation_6.jpg" : "jpeg_progressive.jpg");
  }
  const ImageFolder pictures = open();
  FramingParameters framing;
  framing.shape = {20, 20, 3};
  framing.part = FramingParameters::Part::kRandomArea;
  const View view{.name = "train", .framing = framing, .steps = {}, .shape = framing.shape};
  std::vector<std::vector<uint8_t>> seen;
  for (const int64_t workers : {0, 1, 4}) {
    DataLoader loader(pictures,
                      Sampler::training(24, 6, true, 3, {0, 1}),
                      {view},
                      {.workers = workers, .seed = 3});
    std::vector<uint8_t> all;
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
      loader.start_epoch(epoch);
      while (const HostBatch* batch = loader.next()) {
        all.insert(all.end(), batch->images, batch->images + batch->bytes());
      }
    }
    seen.push_back(std::move(all));
  }
  EXPECT_EQ(seen[0].size(), 2U * 24 * 20 * 20 * 3);
  EXPECT_EQ(seen[1], seen[0]);
  EXPECT_EQ(seen[2], seen[0]);
}

}  // namespace
}  // namespace dtrain::data
