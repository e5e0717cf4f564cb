// Event files byte by byte; tensorboard_python_test.cpp has TensorBoard's own opinion.
#include "render/event_file.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "util/atomic_file.h"

namespace dtrain::render {
namespace {

TEST(Crc32c, MatchesThePublishedVectors) {
  // RFC 3720, B.4, and the check value of the polynomial.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising(32, '\0');
  std::iota(rising.begin(), rising.end(), '\0');
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c(std::string(rising.rbegin(), rising.rend())), 0x113fdb5cu);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(EventFile, RecordsAreThoseOfTensorBoardsOwnWriterByteForByte) {
  const std::string expected =
      util::read_file(DTRAIN_SOURCE_DIR "/tests/golden/tensorboard/records.bin");
  std::string ours = frame_record(file_version_event(1700000000.5));
  ours += frame_record(scalars_event(1700000001.25, 300, {{"train/loss", 0.1}, {"eval/top1", 91}}));
  ours += frame_record(session_start_event(1700000002.0, 301));
  EXPECT_EQ(ours, expected);
}

TEST(EventFile, RecordsComeBackInOrder) {
  const std::string file = frame_record("one") + frame_record("") + frame_record("three");
  size_t offset = 0;
  EXPECT_EQ(next_record(file, offset), "one");
  EXPECT_EQ(next_record(file, offset), "");
  EXPECT_EQ(next_record(file, offset), "three");
  EXPECT_EQ(offset, file.size());
  EXPECT_FALSE(next_record(file, offset));
}

TEST(EventFile, EveryCutAndEveryFlippedBitOfARecordIsNoticed) {
  const std::string record = frame_record("some payload");
  for (size_t size = 0; size < record.size(); ++size) {
    size_t offset = 0;
    EXPECT_FALSE(next_record(record.substr(0, size), offset)) << size;
    EXPECT_EQ(offset, 0u);
  }
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string damaged = record;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    size_t offset = 0;
    EXPECT_FALSE(next_record(damaged, offset)) << "bit " << bit;
  }
}

TEST(EventFile, ALengthOfAllOnesDoesNotWrapAround) {
  std::string record(8, '\xff');
  const uint32_t crc = masked_crc32c(record);
  record.append(reinterpret_cast<const char*>(&crc), sizeof crc);
  record += "some payload";
  size_t offset = 0;
  EXPECT_FALSE(next_record(record, offset));
}

TEST(EventFile, TheStepOfAnEventIsFound) {
  EXPECT_EQ(step_of_event(file_version_event(1.0)), 0);
  EXPECT_EQ(step_of_event(scalars_event(1.0, 5, {{"a", 1.0}})), 5);
  EXPECT_EQ(step_of_event(scalars_event(1.0, int64_t{1} << 40, {{"a", 1.0}, {"b", 2.0}})),
            int64_t{1} << 40);
  EXPECT_EQ(step_of_event(session_start_event(1.0, 7)), 7);
}

TEST(EventFile, BytesThatAreNoMessageHaveNoStep) {
  EXPECT_FALSE(step_of_event("\x0f"));       // an unknown wire type
  EXPECT_FALSE(step_of_event("\x10"));       // a varint that is missing
  EXPECT_FALSE(step_of_event("\x1a\x7fx"));  // a text longer than the message
  EXPECT_FALSE(step_of_event(std::string(20, '\xff')));
  EXPECT_FALSE(step_of_event("\x09short"));
}

}  // namespace
}  // namespace dtrain::render
