// IDX files: what is read, and how each kind of damage is reported.
#include "data/datasets/idx_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <numeric>

#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::data {
namespace {

using testing::error_text;
using testing::mentions;
using testing::TempFolder;
using testing::write_idx;

const char kAdvice[] = "get it again";

std::vector<uint8_t> counting(int64_t n) {
  std::vector<uint8_t> bytes(static_cast<size_t>(n));
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  return bytes;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void store(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Opens and reads all of a file; the error as text.
std::string read_error(const std::filesystem::path& path,
                       int64_t min_rank = 1,
                       int64_t max_rank = 4) {
  return error_text(
      [&] {
        IdxFile file(path, min_rank, max_rank, kAdvice);
        std::vector<uint8_t> items(static_cast<size_t>(file.dims()[0] * file.item_bytes()));
        file.read(items);
      },
      ExitCode::kData);
}

class IdxFileTest : public ::testing::TestWithParam<bool> {
 protected:
  std::filesystem::path good() {
    write_idx(folder_ / "good", {4, 5, 6}, counting(120), GetParam());
    return folder_ / "good";
  }
  // A copy of the good file with other bytes.
  std::filesystem::path bad(const std::string& bytes) {
    store(folder_ / "bad", bytes);
    return folder_ / "bad";
  }
  TempFolder folder_;
};

TEST_P(IdxFileTest, GivesTheDimensionsAndTheBytesThatWereWritten) {
  IdxFile file(good(), 3, 3, kAdvice);
  EXPECT_EQ(file.dims(), (std::vector<int64_t>{4, 5, 6}));
  EXPECT_EQ(file.item_bytes(), 30);
  EXPECT_TRUE(file.looks_complete());
  std::vector<uint8_t> items(120);
  file.read(items);
  EXPECT_EQ(items, counting(120));
}

TEST_P(IdxFileTest, ReadsTheFirstItemsAlone) {
  IdxFile file(good(), 3, 3, kAdvice);
  std::vector<uint8_t> items(60);
  file.read(items);
  EXPECT_EQ(items, counting(60));
}

TEST_P(IdxFileTest, CutAnywhereIsAnErrorThatNamesTheFile) {
  const std::string bytes = content(good());
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::string text = read_error(bad(bytes.substr(0, length)));
    EXPECT_TRUE(mentions(text, {"bad", kAdvice})) << "cut to " << length;
  }
}

TEST_P(IdxFileTest, BytesBehindTheDataAreAnError) {
  for (const char* extra : {"x", "xy", "0123456789abcdefghijklmnopqrstuvwxyz"}) {
    EXPECT_TRUE(mentions(read_error(bad(content(good()) + extra)), {"4 x 5 x 6", "more"}));
  }
}

TEST_P(IdxFileTest, MoreItemsThanTheHeaderSaysAreAnError) {
  write_idx(folder_ / "more", {4, 5, 6}, counting(121), GetParam());
  EXPECT_TRUE(mentions(read_error(folder_ / "more"), {"4 x 5 x 6", "more"}));
}

TEST_P(IdxFileTest, FewerItemsThanTheHeaderSaysAreAnError) {
  write_idx(folder_ / "fewer", {4, 5, 6}, counting(119), GetParam());
  EXPECT_TRUE(mentions(read_error(folder_ / "fewer"), {"120", "found 119", "cut short"}));
}

TEST_P(IdxFileTest, HugeDimensionsAreRefusedBeforeMemoryIsAskedFor) {
  const int64_t huge = 0xFFFFFFFF;
  write_idx(folder_ / "huge", {huge, 28, 28}, counting(100), GetParam());
  EXPECT_TRUE(
      mentions(error_text([&] { IdxFile(folder_ / "huge", 3, 3, kAdvice); }, ExitCode::kData),
               {"4294967295 x 28 x 28"}));
  write_idx(folder_ / "overflow", {huge, huge, huge, huge}, counting(100), GetParam());
  EXPECT_TRUE(
      mentions(error_text([&] { IdxFile(folder_ / "overflow", 3, 4, kAdvice); }, ExitCode::kData),
               {"too large"}));
}

TEST_P(IdxFileTest, ADimensionOfZeroIsAnError) {
  write_idx(folder_ / "zero", {4, 0, 6}, {}, GetParam());
  EXPECT_TRUE(mentions(read_error(folder_ / "zero"), {"dimension 1 is zero"}));
}

TEST_P(IdxFileTest, TheNumberOfDimensionsIsChecked) {
  EXPECT_TRUE(mentions(read_error(good(), 1, 1), {"expected 1 dimensions", "found 3"}));
}

INSTANTIATE_TEST_SUITE_P(PlainAndGzip, IdxFileTest, ::testing::Bool(), [](const auto& info) {
  return info.param ? "Gzip" : "Plain";
});

TEST(PlainIdxFile, AnotherMagicNumberIsAnErrorThatShowsIt) {
  TempFolder folder;
  store(folder / "png", "\x89PNG\r\n\x1a\n");
  EXPECT_TRUE(mentions(read_error(folder / "png"), {"found 0x89504e47"}));
}

TEST(PlainIdxFile, AnotherElementTypeIsAnErrorThatNamesIt) {
  TempFolder folder;
  write_idx(folder / "file", {4}, counting(4), false);
  std::string bytes = content(folder / "file");
  bytes[2] = 0x0D;
  store(folder / "file", bytes);
  EXPECT_TRUE(mentions(read_error(folder / "file"), {"expected elements of type u8, found f32"}));
}

TEST(PlainIdxFile, AMissingFileIsAnIoErrorThatNamesIt) {
  EXPECT_TRUE(mentions(error_text([] { IdxFile("/nowhere/at-all", 1, 1, kAdvice); }),
                       {"/nowhere/at-all", "No such file"}));
}

TEST(PlainIdxFile, AFolderIsAnError) {
  TempFolder folder;
  EXPECT_TRUE(mentions(read_error(folder.path()), {"not a regular file"}));
}

// The few bits that fill the last byte before the checksum mean nothing; every other one is
// noticed.
TEST(GzippedIdxFile, AFlippedBitIsFoundOrChangesNothing) {
  TempFolder folder;
  write_idx(folder / "good", {4, 5, 6}, counting(120), true);
  const std::string good = content(folder / "good");
  constexpr size_t kHeader = 10;  // RFC 1952: flags, time, system: nothing about the content
  int64_t unnoticed = 0;
  for (size_t bit = kHeader * 8; bit < good.size() * 8; bit += 3) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    store(folder / "bad", bytes);
    std::vector<uint8_t> items(120);
    const std::string error =
        error_text([&] { IdxFile(folder / "bad", 1, 4, kAdvice).read(items); }, ExitCode::kData);
    if (error != "no error") continue;
    ASSERT_EQ(items, counting(120)) << "bit " << bit;
    ++unnoticed;
  }
  EXPECT_LT(unnoticed, 8);
}

TEST(GzippedIdxFile, SeveralMembersInARowAreOneFile) {
  TempFolder folder;
  write_idx(folder / "whole", {100}, counting(100), false);
  const std::string bytes = content(folder / "whole");
  std::string joined;
  for (const std::string& part : {bytes.substr(0, 50), bytes.substr(50)}) {
    // Members are made by writing each part as a gzip file of its own.
    testing::write_gzip(folder / "part", part);
    joined += content(folder / "part");
  }
  store(folder / "joined", joined);
  IdxFile file(folder / "joined", 1, 1, kAdvice);
  EXPECT_FALSE(file.looks_complete());  // a hint only: the last member's length is not the whole
  std::vector<uint8_t> items(100);
  file.read(items);
  EXPECT_EQ(items, counting(100));
}

TEST(GzippedIdxFile, ACutFileLooksIncompleteBeforeItIsRead) {
  TempFolder folder;
  write_idx(folder / "good", {400}, counting(400), true);
  const std::string bytes = content(folder / "good");
  store(folder / "bad", bytes.substr(0, bytes.size() - 5));
  EXPECT_FALSE(IdxFile(folder / "bad", 1, 1, kAdvice).looks_complete());
}

TEST(GzippedIdxFile, ReadingStopsWhenCancelled) {
  TempFolder folder;
  write_idx(folder / "good", {400}, counting(400), true);
  IdxFile file(folder / "good", 1, 1, kAdvice);
  std::vector<uint8_t> items(400, 77);
  const std::atomic<bool> cancelled = true;
  file.read(items, &cancelled);
  EXPECT_EQ(items, std::vector<uint8_t>(400, 77));
}

}  // namespace
}  // namespace dtrain::data
