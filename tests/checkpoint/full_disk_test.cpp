// A disk that is really full while a checkpoint or a log is written. Mounting one takes root:
//   sudo ctest --test-dir build/release -L privileged --output-on-failure
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_folder.h"
#include "checkpoint/safetensors.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_disk.h"
#include "util/atomic_file.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::DiskTest;
using dtrain::testing::error_text;
using dtrain::testing::names_in;
using dtrain::testing::on_tiny_disk;
using dtrain::testing::TempFolder;
using Names = std::vector<std::string>;

// One tensor of so many bytes.
auto tensor_of(size_t bytes) {
  return [bytes](const fs::path& folder) {
    std::string content(bytes, 'w');
    WrittenFile written = write_safetensors(folder / "model.safetensors",
                                            {{"w", Dtype::kU8, {static_cast<int64_t>(bytes)}}},
                                            {},
                                            [&](size_t) { return content.data(); });
    return std::vector<FileRecord>{{"model.safetensors", written.size, written.hash}};
  };
}

void expect_on_tiny_disk(const std::function<bool(const fs::path&)>& body) {
  TempFolder folder;
  DiskTest outcome = on_tiny_disk(folder.path(), 1 << 20, [&] { return body(folder.path()); });
  if (outcome == DiskTest::kNotPermitted) {
    GTEST_SKIP() << "mounting needs root with CAP_SYS_ADMIN (docker run --privileged)";
  }
  EXPECT_EQ(outcome, DiskTest::kPassed);
}

TEST(FullDisk, ACheckpointThatDoesNotFitLeavesTheOlderOneAndNothingElse) {
  expect_on_tiny_disk([](const fs::path& disk) {
    CheckpointStore store(disk / "checkpoints", {});
    store.save({1, 0, 1}, {}, true, tensor_of(600 << 10));
    std::string text = error_text([&] { store.save({2, 0, 2}, {}, true, tensor_of(600 << 10)); });
    const bool said = text.find("/model.safetensors: No space left on device; free some space") !=
                      std::string::npos;
    const bool clean = names_in(disk / "checkpoints") == Names{"best", "last", "step-00000001"};
    verify_checkpoint(disk / "checkpoints" / "last");
    // With space again, the next save succeeds.
    store.save({3, 0, 3}, {}, false, tensor_of(100 << 10));
    return said && clean && verify_checkpoint(disk / "checkpoints" / "last").position.step == 3;
  });
}

TEST(FullDisk, AnAppendedFileEndsInAWholeLine) {
  expect_on_tiny_disk([](const fs::path& disk) {
    const std::string line = std::string(999, 'x') + "\n";
    util::OutputFile file(disk / "log.txt", util::OutputFile::Mode::kAppend);
    std::string text = error_text([&] {
      for (;;) file.write(line);
    });
    const int64_t size = file.size();
    return text.find("log.txt: No space left on device") != std::string::npos && size > 500000 &&
           size % 1000 == 0;
  });
}

TEST(FullDisk, AFileThatIsReplacedKeepsItsOldContent) {
  expect_on_tiny_disk([](const fs::path& disk) {
    util::write_file_atomic(disk / "config.json", "old");
    error_text([&] { util::write_file_atomic(disk / "config.json", std::string(2 << 20, 'x')); });
    return util::read_file(disk / "config.json") == "old" && names_in(disk).size() == 1;
  });
}

}  // namespace
}  // namespace dtrain::checkpoint
