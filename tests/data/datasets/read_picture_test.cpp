// Files that are no files, and files that change while they are read.
#include "data/datasets/read_picture.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "image/bad_picture.h"
#include "image/decoder.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;

class ReadPictureTest : public ::testing::Test {
 protected:
  std::string refusal(const fs::path& path) {
    return error_text([&] { read_picture(path, bytes_); }, ExitCode::kData);
  }
  dtrain::testing::TempFolder folder_;
  std::vector<uint8_t> bytes_;
};

TEST_F(ReadPictureTest, PipesFoldersAndDevicesAreRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe.jpg").c_str(), 0600), 0);
  fs::create_directory(folder_ / "folder.jpg");
  fs::create_symlink("/dev/zero", folder_ / "device.jpg");
  for (const char* name : {"pipe.jpg", "folder.jpg", "device.jpg"}) {
    EXPECT_TRUE(mentions(refusal(folder_ / name), {name, "not a regular file"}));
  }
}

TEST_F(ReadPictureTest, LoopsOfLinksAndMissingFilesAreTheSystemsErrors) {
  fs::create_symlink("loop.jpg", folder_ / "loop.jpg");
  for (const char* name : {"loop.jpg", "missing.jpg"}) {
    const std::string text = error_text([&] { read_picture(folder_ / name, bytes_); });
    EXPECT_TRUE(mentions(text, {name, "cannot be read"}));
  }
}

TEST_F(ReadPictureTest, EmptyAndHugeFilesAreRefusedBeforeMemoryIsTaken) {
  std::ofstream(folder_ / "empty.jpg").flush();
  EXPECT_TRUE(mentions(refusal(folder_ / "empty.jpg"), {"empty.jpg", "is empty"}));
  std::ofstream(folder_ / "huge.jpg").flush();
  fs::resize_file(folder_ / "huge.jpg", uintmax_t{1} << 40);  // without blocks on the disk
  EXPECT_TRUE(mentions(refusal(folder_ / "huge.jpg"), {"huge.jpg", "larger than 128 MB"}));
  EXPECT_LT(bytes_.capacity(), 1000U);
}

TEST_F(ReadPictureTest, AFileThatBecameShorterIsReadAndFoundCut) {
  const fs::path path = folder_ / "a.jpg";
  fs::copy_file(kPictures / "jpeg_420.jpg", path);
  read_picture(path, bytes_);
  const size_t whole = bytes_.size();
  fs::resize_file(path, whole / 2);
  read_picture(path, bytes_);
  EXPECT_EQ(bytes_.size(), whole / 2);
  image::Image image;
  try {
    image::decode_all(bytes_, 3, image);
    ADD_FAILURE() << "half a picture was decoded";
  } catch (const image::BadPicture& bad) {
    EXPECT_EQ(bad.fault(), image::Fault::kCutShort);
  }
  fs::remove(path);
  fs::copy_file(kPictures / "photo.png", path);  // longer, and of another kind
  read_picture(path, bytes_);
  EXPECT_EQ(bytes_, dtrain::testing::bytes_of(kPictures / "photo.png"));
}

}  // namespace
}  // namespace dtrain::data
