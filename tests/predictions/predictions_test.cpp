// Tables of predictions come back as they were written, and damage is found.
#include "predictions/predictions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "hdf5/fletcher32.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::predictions {
namespace {

using dtrain::testing::header_of;
using dtrain::testing::index_of;
using dtrain::testing::logits_of;
using dtrain::testing::mentions;
using dtrain::testing::write_table;

class PredictionsTest : public ::testing::Test {
 protected:
  dtrain::testing::TempFolder folder_;
  const std::filesystem::path path_ = folder_ / "predictions.h5";
};

TEST_F(PredictionsTest, ComeBackAsTheyWereWritten) {
  constexpr int64_t kSamples = 20'000, kClasses = 11;  // several chunks
  write_table(path_, kSamples, kClasses, 77);
  const PredictionsFile file(path_);
  EXPECT_EQ(file.size(), kSamples);
  EXPECT_EQ(file.classes(), kClasses);
  EXPECT_EQ(file.header().dataset, "pictures/test");
  EXPECT_EQ(file.header().class_names[10], "class 10");
  EXPECT_EQ(file.header().temperature, 1);
  EXPECT_FALSE(file.has_targets());
  EXPECT_FALSE(file.has_views());
  const auto expected = index_of(0, kSamples, kClasses);
  EXPECT_EQ(file.index().ids, expected.ids);
  EXPECT_EQ(file.index().targets, expected.targets);
  EXPECT_EQ(file.index().paths, expected.paths);
  EXPECT_LT(file.rows_per_chunk(), kSamples);
  std::vector<float> logits(kSamples * kClasses);
  file.read_logits(0, logits);
  EXPECT_EQ(logits, logits_of(0, kSamples, kClasses));
  // Any piece, also across the end of a chunk.
  const int64_t first = file.rows_per_chunk() - 3;
  logits.resize(10 * kClasses);
  file.read_logits(first, logits);
  EXPECT_EQ(logits, logits_of(first, 10, kClasses));
}

TEST_F(PredictionsTest, TheFileDoesNotDependOnThePieces) {
  write_table(path_, 1000, 7, 1);
  write_table(folder_ / "other.h5", 1000, 7, 333);
  EXPECT_EQ(util::read_file(path_), util::read_file(folder_ / "other.h5"));
}

TEST_F(PredictionsTest, ThePredictedClassIsTheLargestLogitUnlessAVoteDecided) {
  PredictionsIndex rows = index_of(0, 3, 2);
  {
    PredictionsWriter writer(path_, header_of(2), 3);
    writer.append(rows, std::vector<float>{1, 2, 5, 5, 2, 1});
    writer.finish();
  }
  EXPECT_EQ(PredictionsFile(path_).index().predicted, (std::vector<int64_t>{1, 0, 0}));
  rows.predicted = {0, 1, 1};
  PredictionsWriter writer(path_, header_of(2), 3);
  writer.append(rows, std::vector<float>{1, 2, 5, 5, 2, 1});
  writer.finish();
  EXPECT_EQ(PredictionsFile(path_).index().predicted, rows.predicted);
}

TEST_F(PredictionsTest, ViewsAreKeptBesideTheLogits) {
  PredictionsHeader header = header_of(2);
  header.views = {"identity", "flip"};
  PredictionsWriter writer(path_, header, 2, /*keep_views=*/true);
  const std::vector<float> views{1, 2, 3, 4, 5, 6, 7, 8};
  writer.append(index_of(0, 2, 2), std::vector<float>{2, 3, 6, 7}, views);
  writer.finish();
  const PredictionsFile file(path_);
  ASSERT_TRUE(file.has_views());
  EXPECT_EQ(file.header().views, header.views);
  std::vector<float> read(8);
  file.read_view_logits(0, read);
  EXPECT_EQ(read, views);
}

TEST_F(PredictionsTest, NothingIsLeftOfATableThatWasNotFinished) {
  write_table(path_, 10, 2, 10);
  const std::string before = util::read_file(path_);
  {
    PredictionsWriter writer(path_, header_of(3), 10);
    writer.append(index_of(0, 5, 3), logits_of(0, 5, 3));
    EXPECT_THROW(writer.finish(), Error);
  }
  EXPECT_EQ(util::read_file(path_), before);
  size_t files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(folder_.path())) {
    ++files;
  }
  EXPECT_EQ(files, 1U);
}

TEST_F(PredictionsTest, ASampleCannotBePredictedTwice) {
  PredictionsWriter writer(path_, header_of(2), 2);
  writer.append(index_of(0, 1, 2), logits_of(0, 1, 2));
  writer.append(index_of(0, 1, 2), logits_of(0, 1, 2));
  EXPECT_THROW(writer.finish(), Error);
}

TEST_F(PredictionsTest, AChangedLogitIsFound) {
  write_table(path_, 100, 3, 100);
  std::string bytes = util::read_file(path_);
  const std::vector<float> logits = logits_of(0, 100, 3);
  const std::string_view needle(reinterpret_cast<const char*>(logits.data()), 64);
  const size_t at = bytes.find(needle);
  ASSERT_NE(at, std::string::npos);
  bytes[at + 5] ^= 1;
  util::write_file_atomic(path_, bytes);
  const PredictionsFile file(path_);
  std::vector<float> read(3);
  try {
    file.read_logits(50, read);
    FAIL() << "read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_TRUE(mentions(error.what(), {path_.string(), "/logits", "checksum"})) << error.what();
  }
}

TEST_F(PredictionsTest, OtherFilesAreRefusedByName) {
  util::write_file_atomic(path_, "no HDF5");
  EXPECT_THROW(PredictionsFile{path_}, Error);
  {
    hdf5::Hdf5File file(path_, hdf5::Hdf5File::Mode::kCreate);
    file.write_attribute("/", "format", std::string("dtrain-pack"));
    file.close();
  }
  try {
    const PredictionsFile file(path_);
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_TRUE(mentions(error.what(), {path_.string(), "no file of predictions"}));
  }
}

TEST(Largest, IsTheLowestOfEqualsAndNeverNaN) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(largest(std::vector<float>{1, 3, 3}), 1);
  EXPECT_EQ(largest(std::vector<float>{kNaN, -5, kNaN}), 1);
  EXPECT_EQ(largest(std::vector<float>{-INFINITY, -INFINITY}), 0);
  EXPECT_EQ(largest(std::vector<float>{kNaN, -INFINITY}), 1);
  EXPECT_EQ(largest(std::vector<float>{kNaN, kNaN, kNaN}), 0);
}

// The recurrence of RFC 1146's relative in HDF5, a word at a time.
TEST(Fletcher32, IsTheRecurrence) {
  std::vector<uint8_t> bytes(5000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = uint8_t(i % 3 == 0 ? 255 : i * 7);
  uint64_t sum1 = 0, sum2 = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum1 = (sum1 + (uint64_t(bytes[i]) << 8 | bytes[i + 1])) % 65535;
    sum2 = (sum2 + sum1) % 65535;
  }
  EXPECT_EQ(hdf5::fletcher32(bytes), uint32_t(sum2 << 16 | sum1));
  EXPECT_TRUE(hdf5::same_fletcher32(0xFFFF0001, 0x00000001));
}

}  // namespace
}  // namespace dtrain::predictions
