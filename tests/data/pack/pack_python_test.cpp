// Packs as Python's h5py sees and writes them.
#include <gtest/gtest.h>

#include "data/datasets/image_folder.h"
#include "tests/data/pack/pack_samples.h"
#include "tests/support/python.h"
#include "tests/support/temp_folder.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::kPictures;
using dtrain::testing::run_python;

class PackPythonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* pictures[] = {
        "jpeg_420.jpg", "photo.png", "jpeg_progressive.jpg", "jpeg_orientation_6.jpg"};
    for (const char* split : {"train", "test"}) {
      for (const char* name : {"cat", "dog", "\xc3\xa4pfel"}) {
        const fs::path folder = folder_ / split / name;
        fs::create_directories(folder);
        for (const char* picture : pictures) fs::copy_file(kPictures / picture, folder / picture);
      }
    }
  }
  ImageFolder open(const std::string& split) const {
    return ImageFolder({.name = "pictures/" + split,
                        .root = folder_.path(),
                        .split = split,
                        .class_split = "train",
                        .limit = 0,
                        .advice = ""});
  }
  dtrain::testing::TempFolder folder_, out_;
};

TEST_F(PackPythonTest, ReadsBytesPixelsClassesPathsAndChecksums) {
  const ImageFolder train = open("train"), test = open("test");
  const fs::path files = out_ / "files.h5", pixels = out_ / "pixels.h5";
  pack({{"train", &train}, {"test", &test}}, {.output = files});
  pack({{"train", &train}, {"test", &test}}, {.output = pixels, .size = 24, .exact = true});
  const auto result =
      run_python("tests/data/pack/check_pack.py", {"read", folder_.path().string(), files, pixels});
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST_F(PackPythonTest, WritesAPackByThePageAlone) {
  const fs::path file = out_ / "python.h5";
  const auto result =
      run_python("tests/data/pack/check_pack.py", {"write", folder_.path().string(), file});
  ASSERT_EQ(result.status, 0) << result.output;
  dtrain::testing::expect_same(dtrain::testing::open_pack(file), open("train"));
}

}  // namespace
}  // namespace dtrain::data
