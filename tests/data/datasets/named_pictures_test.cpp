// Pictures that are named on the command line.
#include "data/datasets/named_pictures.h"

#include <gtest/gtest.h>

#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "util/log.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;

class NamedPicturesTest : public ::testing::Test {
 protected:
  void put(const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    fs::copy_file(kPictures / "photo.png", folder_ / name);
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(NamedPicturesTest, ComeInTheOrderGivenAndFoldersByTheirPaths) {
  for (const char* name : {"z.png", "f/b/1.png", "f/a.png"}) put(name);
  const NamedPictures pictures({folder_ / "z.png", folder_ / "f"}, 3, {"cat", "dog"});
  ASSERT_EQ(pictures.size(), 3);
  EXPECT_EQ(pictures.origin(0), (folder_ / "z.png").string());
  EXPECT_EQ(pictures.origin(1), (folder_ / "f/a.png").string());
  EXPECT_EQ(pictures.origin(2), (folder_ / "f/b/1.png").string());
  Sample sample;
  pictures.read(2, sample);
  EXPECT_EQ(sample.encoded, dtrain::testing::bytes_of(kPictures / "photo.png"));
  EXPECT_EQ(sample.id, 2);
  EXPECT_EQ(sample.target, kUnlabelled);
}

TEST_F(NamedPicturesTest, LinksOutAreFollowedOrRefusedAndNeverPassedOver) {
  const dtrain::testing::TempFolder elsewhere;
  fs::create_directories(folder_ / "f");
  fs::copy_file(dtrain::testing::kPictures / "photo.png", elsewhere / "a.png");
  fs::copy_file(dtrain::testing::kPictures / "photo.png", folder_ / "f/b.png");
  fs::create_symlink(elsewhere / "a.png", folder_ / "f/a.png");
  EXPECT_TRUE(dtrain::testing::mentions(
      dtrain::testing::error_text([&] { NamedPictures({folder_ / "f"}, 3, {"cat"}); },
                                  ExitCode::kData),
      {"a.png", "leads out", "data.follow_links=true"}));
  EXPECT_EQ(NamedPictures({folder_ / "f"}, 3, {"cat"}, /*follow_links=*/true).size(), 2);
}

TEST_F(NamedPicturesTest, WhatIsIgnoredInAFolderIsCounted) {
  for (const char* name : {"f/a.png", "f/b.psd", "f/c.PSD.txt"}) put(name);
  util::log().add_file(folder_ / "log.txt");
  EXPECT_EQ(NamedPictures({folder_ / "f"}, 3, {}).size(), 1);
  util::log().remove_files();
  const auto bytes = dtrain::testing::bytes_of(folder_ / "log.txt");
  EXPECT_TRUE(mentions({bytes.begin(), bytes.end()}, {"ignored 2 files: 1 .psd, 1 .txt"}));
}

TEST_F(NamedPicturesTest, WhatIsNotThereIsNamed) {
  fs::create_directories(folder_ / "empty");
  const std::string missing = folder_ / "missing.png", empty = folder_ / "empty";
  EXPECT_TRUE(mentions(error_text([&] { NamedPictures({missing}, 3, {}); }, ExitCode::kData),
                       {missing, "no such file"}));
  EXPECT_TRUE(mentions(error_text([&] { NamedPictures({empty}, 3, {}); }, ExitCode::kData),
                       {empty, "no images"}));
}

}  // namespace
}  // namespace dtrain::data
