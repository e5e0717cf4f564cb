// A thousand bad pictures, by the ways that training and verify-data take: each one is refused with
// its name or decoded to what its header says, in little memory and little time. Worth most in a
// sanitizer build. A program of its own, because it measures its memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>

#include "data/datasets/image_folder.h"
#include "data/framing.h"
#include "data/verify/verify_data.h"
#include "tests/support/bad_pictures.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"
#include "util/timer.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::BadPicture;
using dtrain::testing::make_bad_pictures;

constexpr int64_t kPictures = 1000;
constexpr double kMostSeconds = 30;
constexpr int64_t kMostGrowth = int64_t{256} << 20;

// In bytes: the most that this process ever held.
int64_t peak_memory() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

class HostilePictures : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new dtrain::testing::TempFolder;
    for (const char* split : {"train/a", "test/a"}) fs::create_directories(*folder_ / split);
    may_decode_ = new std::map<std::string, bool>;
    for (const BadPicture& picture : make_bad_pictures(kPictures)) {
      std::ofstream(*folder_ / ("train/a/" + picture.name), std::ios::binary)
          .write(reinterpret_cast<const char*>(picture.bytes.data()),
                 std::streamsize(picture.bytes.size()));
      (*may_decode_)[picture.name] = picture.may_decode;
    }
    peak_before_ = peak_memory();
  }
  static void TearDownTestSuite() {
    delete may_decode_;
    delete folder_;
  }

  static void expect_little_growth() {
// Sanitizers keep what was freed, and notes about all memory.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const int64_t growth = peak_memory() - peak_before_;
    std::printf("memory grew by %lld MB\n", static_cast<long long>(growth >> 20));
    EXPECT_LT(growth, kMostGrowth);
#endif
  }

  static dtrain::testing::TempFolder* folder_;
  static std::map<std::string, bool>* may_decode_;  // by name
  static int64_t peak_before_;
};
dtrain::testing::TempFolder* HostilePictures::folder_ = nullptr;
std::map<std::string, bool>* HostilePictures::may_decode_ = nullptr;
int64_t HostilePictures::peak_before_ = 0;

TEST_F(HostilePictures, AreAThousandOfManyKinds) {
  EXPECT_EQ(may_decode_->size(), size_t(kPictures));
  std::set<std::string> kinds;
  for (const auto& [name, ignored] : *may_decode_) {
    kinds.insert(name.substr(0, name.rfind('_')) + name.substr(name.rfind('.')));
  }
  EXPECT_EQ(kinds.size(), 30U);
}

TEST_F(HostilePictures, AreRefusedOrBroughtToTheSizeOfTraining) {
  const util::Timer timer;
  const ImageFolder pictures({.name = "bad",
                              .root = folder_->path(),
                              .split = "train",
                              .class_split = "train",
                              .advice = ""});
  ASSERT_EQ(pictures.size(), kPictures);
  FramingParameters random, middle;
  random.shape = middle.shape = {64, 64, 3};
  random.part = FramingParameters::Part::kRandomArea;
  middle.resize = 72;
  FramingScratch scratch;
  Sample sample;
  Image image;
  int64_t refused = 0;
  for (int64_t i = 0; i < pictures.size(); ++i) {
    const FramingParameters& framing = i % 2 == 0 ? random : middle;
    util::CounterRng rng(1, util::RandomStream::kTest, 0, i);
    try {
      pictures.read(i, sample);
      frame(framing, sample, image, scratch, rng);
      EXPECT_EQ(image.shape, framing.shape) << pictures.path(i);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData) << pictures.path(i) << error.what();
      ++refused;
    }
  }
  // Damage below the part that is wanted is not always seen.
  EXPECT_GT(refused, kPictures / 2);
  EXPECT_LT(timer.seconds(), kMostSeconds);
  expect_little_growth();
}

TEST_F(HostilePictures, AreListedByVerifyDataWithTheirNames) {
  const util::Timer timer;
  const auto special = dtrain::testing::make_special_files(*folder_ / "train/a");
  DatasetConfig data;
  data.dataset = "image_folder";
  data.data_dir = folder_->path();
  const VerifyReport report = verify_data({.data = data, .workers = 4});
  EXPECT_TRUE(report.training_would_fail());
  std::set<std::string> errors;
  for (const Finding& finding : report.findings) {
    if (finding.severity() == Severity::kError) {
      EXPECT_FALSE(finding.detail.empty());
      errors.insert(fs::path(finding.where).filename());
    }
  }
  for (const auto& [name, may_decode] : *may_decode_) {
    EXPECT_TRUE(may_decode || errors.contains(name)) << name << " passes for a picture";
  }
  for (const std::string& name : special) EXPECT_TRUE(errors.contains(name)) << name;
  for (const char* name : {"many_scans", "largest", "text_bomb", "exif"}) {
    EXPECT_EQ(std::count_if(
                  errors.begin(), errors.end(), [&](const auto& e) { return e.starts_with(name); }),
              0)
        << name;
  }
  ASSERT_FALSE(report.splits.empty());
  EXPECT_GT(report.splits[0].good, 100);  // harmless damage
  EXPECT_LT(timer.seconds(), kMostSeconds);
  expect_little_growth();
}

}  // namespace
}  // namespace dtrain::data
