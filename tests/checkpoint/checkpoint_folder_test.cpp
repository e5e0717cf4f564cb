// Checkpoints on disk: complete or absent, found again or refused, whatever happens to the files.
#include "checkpoint/checkpoint_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"
#include "util/hash.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;
using config::Json;
using dtrain::testing::error_text;
using dtrain::testing::names_in;
using dtrain::testing::TempFolder;
using dtrain::testing::with_file_size_limit;
using Names = std::vector<std::string>;

// Writes files "a" and "b" of this content.
auto files_with(const std::string& content) {
  return [content](const fs::path& folder) {
    std::vector<FileRecord> records;
    for (const char* name : {"a", "b"}) {
      util::write_file_atomic(folder / name, content + name);
      records.push_back(
          {name, static_cast<int64_t>(content.size() + 1), util::hash_hex(content + name)});
    }
    return records;
  };
}

void save(CheckpointStore& store, int64_t step, bool is_best = false) {
  auto saved = store.save({step, step / 10, step % 10},
                          Json{{"top1", 90.5}},
                          is_best,
                          files_with("content of " + std::to_string(step)));
  EXPECT_TRUE(saved.warnings.empty());
}

class CheckpointFolderTest : public ::testing::Test {
 protected:
  TempFolder temp_;
  fs::path folder_ = temp_ / "checkpoints";
};

TEST_F(CheckpointFolderTest, HoldsTheFilesTheManifestAndTheLinks) {
  CheckpointStore store(folder_, {});
  save(store, 938, true);
  EXPECT_EQ(names_in(folder_), (Names{"best", "last", "step-00000938"}));
  EXPECT_EQ(names_in(folder_ / "last"), (Names{"a", "b", "manifest.json"}));
  EXPECT_EQ(fs::read_symlink(folder_ / "last"), "step-00000938");
  EXPECT_EQ(fs::read_symlink(folder_ / "best"), "step-00000938");
  Manifest manifest = verify_checkpoint(folder_ / "last");
  EXPECT_EQ(manifest.version, 1);
  EXPECT_EQ(manifest.position.step, 938);
  EXPECT_EQ(manifest.position.epoch, 93);
  EXPECT_EQ(manifest.position.batch, 8);
  EXPECT_EQ(manifest.meta["top1"], 90.5);
  ASSERT_EQ(manifest.files.size(), 2u);
  EXPECT_EQ(manifest.files[0].hash, util::hash_file_hex(folder_ / "last" / "a"));
}

TEST_F(CheckpointFolderTest, StepsBeyondEightDigitsKeepTheirOrder) {
  CheckpointStore store(folder_, {.keep_last = 3});
  for (int64_t step : {99999999, 100000000, 1234567890}) save(store, step);
  std::vector<fs::path> found = list_checkpoints(folder_);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].filename(), "step-1234567890");
  EXPECT_EQ(found[2].filename(), "step-99999999");
}

TEST_F(CheckpointFolderTest, NamesTheBestBeforeTheLastSoThatAResumeComesByItAgain) {
  CheckpointStore store(folder_, {});
  save(store, 1, true);
  fs::remove(folder_ / "last");
  fs::create_directories(folder_ / "last" / "in the way");  // as if killed before the second link
  EXPECT_THROW(store.save({2, 0, 2}, Json(), true, files_with("two")), Error);
  EXPECT_EQ(fs::read_symlink(folder_ / "best"), "step-00000002");
}

// Saved before its evaluation and again after it: a kill in between must not leave a `last` that is
// evaluated, where no resume evaluates again, and a `best` that is not the best.
TEST_F(CheckpointFolderTest, NamesTheBestBeforeItReplacesACheckpointOfTheSameStep) {
  CheckpointStore store(folder_, {});
  save(store, 1, true);
  store.save({2, 0, 2}, {{"evaluated", false}}, false, files_with("two"));
  fs::remove(folder_ / "best");
  fs::create_directories(folder_ / "best" / "in the way");  // as if killed at this link
  EXPECT_THROW(store.save({2, 1, 0}, {{"evaluated", true}}, true, files_with("two")), Error);
  EXPECT_EQ(read_manifest(folder_ / "last").meta["evaluated"], false);
}

TEST_F(CheckpointFolderTest, KeepsTheNewestAndTheBest) {
  CheckpointStore store(folder_, {.keep_last = 2});
  for (int64_t step = 1; step <= 5; ++step) save(store, step, step == 2);
  EXPECT_EQ(names_in(folder_),
            (Names{"best", "last", "step-00000002", "step-00000004", "step-00000005"}));
  EXPECT_EQ(fs::read_symlink(folder_ / "best"), "step-00000002");
  save(store, 6, true);
  EXPECT_EQ(names_in(folder_), (Names{"best", "last", "step-00000005", "step-00000006"}));
}

TEST_F(CheckpointFolderTest, KeepsEveryFewEpochsForEver) {
  CheckpointStore store(folder_, {.keep_last = 1, .keep_every_epochs = 2});
  for (const int64_t step : {10, 15, 20, 25, 30, 40, 45, 50}) save(store, step);
  EXPECT_EQ(names_in(folder_), (Names{"last", "step-00000020", "step-00000040", "step-00000050"}));
}

TEST_F(CheckpointFolderTest, WithoutKeepBestThereIsNoBest) {
  CheckpointStore store(folder_, {.keep_last = 1, .keep_best = false});
  save(store, 1, true);
  save(store, 2, false);
  EXPECT_EQ(names_in(folder_), (Names{"last", "step-00000002"}));
}

TEST_F(CheckpointFolderTest, SavingAStepAgainReplacesIt) {
  CheckpointStore store(folder_, {});
  save(store, 7);
  store.save({7, 0, 7}, Json::object(), false, files_with("newer"));
  EXPECT_EQ(util::read_file(folder_ / "last" / "a"), "newera");
  verify_checkpoint(folder_ / "last");
  EXPECT_EQ(names_in(folder_), (Names{"last", "step-00000007"}));
}

TEST_F(CheckpointFolderTest, GoingBackDropsTheLaterCheckpointsButTheBest) {
  {
    CheckpointStore store(folder_, {.keep_last = 9});
    for (int64_t step : {10, 20, 30, 40}) save(store, step, step == 30);
  }
  CheckpointStore store(folder_, {.keep_last = 9});
  save(store, 15);
  EXPECT_EQ(names_in(folder_),
            (Names{"best", "last", "step-00000010", "step-00000015", "step-00000030"}));
  EXPECT_EQ(fs::read_symlink(folder_ / "last"), "step-00000015");
}

TEST_F(CheckpointFolderTest, WhatAKilledWriterLeftIsRemoved) {
  CheckpointStore first(folder_, {});
  save(first, 1);
  fs::create_directories(folder_ / ".tmp-step-00000002-77-0" / "deep");
  std::ofstream(folder_ / ".tmp-step-00000002-77-0" / "a") << "half";
  fs::create_symlink("step-00000002", folder_ / ".tmp-last-77-1");
  CheckpointStore second(folder_, {});
  EXPECT_EQ(names_in(folder_), (Names{"last", "step-00000001"}));
}

// As on a file system that cannot exchange folders.
TEST_F(CheckpointFolderTest, WhatAKilledWriterHadMovedAsideGetsItsNameBack) {
  CheckpointStore first(folder_, {});
  save(first, 1);
  save(first, 2);
  fs::rename(folder_ / "step-00000002", folder_ / ".tmp-aside-step-00000002-77-0123456789abcdef");
  fs::create_directories(folder_ / ".tmp-aside-step-00000001-77-0123456789abcdef");  // has its name
  CheckpointStore second(folder_, {});
  EXPECT_EQ(names_in(folder_), (Names{"last", "step-00000001", "step-00000002"}));
  EXPECT_EQ(verify_checkpoint(folder_ / "last").position.step, 2);
}

TEST_F(CheckpointFolderTest, AFailureLeavesTheOlderOnesAndNoTemporary) {
  CheckpointStore store(folder_, {});
  save(store, 1, true);
  auto fails = [](const fs::path& folder) -> std::vector<FileRecord> {
    util::write_file_atomic(folder / "a", "half");
    throw std::runtime_error("out of luck");
  };
  EXPECT_THROW(store.save({2, 0, 2}, Json::object(), true, fails), std::runtime_error);
  EXPECT_EQ(names_in(folder_), (Names{"best", "last", "step-00000001"}));
  EXPECT_EQ(verify_checkpoint(folder_ / "best").position.step, 1);
}

TEST_F(CheckpointFolderTest, AFileSizeLimitAtAnyFileLeavesTheOlderOnes) {
  CheckpointStore store(folder_, {});
  save(store, 1);
  // 150 bytes stop the first file, 400 let the files pass and stop the manifest.
  for (rlim_t limit : {150, 400}) {
    EXPECT_TRUE(with_file_size_limit(limit, [&] {
      std::string text = error_text([&] {
        store.save({2, 0, 2},
                   Json{{"long", std::string(500, 'x')}},
                   false,
                   files_with(std::string(200, 'y')));
      });
      return text.find("File too large") != std::string::npos &&
             text.find(limit == 150 ? "/a: " : "/manifest.json: ") != std::string::npos;
    }));
    EXPECT_EQ(names_in(folder_), (Names{"last", "step-00000001"}));
    verify_checkpoint(folder_ / "last");
  }
}

TEST_F(CheckpointFolderTest, AFolderThatCannotBeMadeIsNamed) {
  util::write_file_atomic(temp_ / "file", "x");
  std::string text = error_text([&] { CheckpointStore(temp_ / "file" / "checkpoints", {}); });
  EXPECT_NE(text.find("file/checkpoints: Not a directory"), std::string::npos) << text;
}

// Kills a process that saves without pause, at many moments of a save; what is left must be sound.
TEST_F(CheckpointFolderTest, AWriterKilledAtAnyMomentLeavesSoundCheckpoints) {
  int64_t reached = 0;
  for (int round = 0; round < 12; ++round) {
    int saved[2];
    ASSERT_EQ(::pipe(saved), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      CheckpointStore store(folder_, {.keep_last = 2});
      const auto files = files_with(std::string(50000, 'x'));
      for (int64_t step = reached + 1;; ++step) {
        store.save({step, 0, step}, Json::object(), step % 3 == 0, files);
        store.save({step, 0, step}, Json::object(), step % 3 == 0, files);  // replaces the first
        if (::write(saved[1], "s", 1) != 1) ::_exit(1);
      }
    }
    char one = 0;
    ASSERT_EQ(::read(saved[0], &one, 1), 1);  // one step is done, the next is under way
    std::this_thread::sleep_for(std::chrono::microseconds(700 * round * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(saved[0]);
    ::close(saved[1]);
    const int64_t step = verify_checkpoint(folder_ / "last").position.step;
    EXPECT_GT(step, reached);
    reached = step;
    for (const fs::path& path : list_checkpoints(folder_)) verify_checkpoint(path);
    CheckpointStore store(folder_, {.keep_last = 2});
    for (const std::string& name : names_in(folder_)) EXPECT_NE(name.rfind(".tmp-", 0), 0u) << name;
  }
}

// --- reading what may be damaged
// ------------------------------------------------------------------

class DamagedCheckpointTest : public CheckpointFolderTest {
 protected:
  DamagedCheckpointTest() {
    CheckpointStore store(folder_, {});
    save(store, 5);
  }
  std::string refusal() {
    return error_text([&] { verify_checkpoint(checkpoint_); });
  }
  // Rewrites the manifest with another text and the checksum that fits it.
  void change_manifest(const std::string& from, const std::string& to) {
    std::string text = util::read_file(checkpoint_ / "manifest.json");
    ASSERT_NE(text.find(from), std::string::npos);
    text.replace(text.find(from), from.size(), to);
    const std::string key = "\"xxh3_128\": \"";
    const size_t at = text.find(key) + key.size();
    text.replace(at, 32, std::string(32, '0'));
    text.replace(at, 32, util::hash_hex(text));
    std::ofstream(checkpoint_ / "manifest.json") << text;
  }
  fs::path checkpoint_ = folder_ / "step-00000005";
};

TEST_F(DamagedCheckpointTest, AMissingFileIsNamed) {
  fs::remove(checkpoint_ / "b");
  EXPECT_NE(refusal().find("step-00000005/b: missing"), std::string::npos) << refusal();
}

TEST_F(DamagedCheckpointTest, AMissingManifestIsNamed) {
  fs::remove(checkpoint_ / "manifest.json");
  EXPECT_NE(refusal().find("manifest.json: missing"), std::string::npos) << refusal();
}

TEST_F(DamagedCheckpointTest, ACutFileIsNamedWithBothSizes) {
  fs::resize_file(checkpoint_ / "a", 3);
  EXPECT_NE(refusal().find("/a: has 3 bytes, was written with 13"), std::string::npos) << refusal();
}

TEST_F(DamagedCheckpointTest, AFlippedBitInAFileIsNoticed) {
  std::string content = util::read_file(checkpoint_ / "a");
  content[4] ^= 1;
  std::ofstream(checkpoint_ / "a") << content;
  EXPECT_NE(refusal().find("/a: checksum does not match"), std::string::npos) << refusal();
  EXPECT_EQ(error_text([&] { read_manifest(checkpoint_); }), "no error");  // sizes only, as it says
}

TEST_F(DamagedCheckpointTest, EveryFlippedBitInTheManifestIsNoticed) {
  const std::string content = util::read_file(checkpoint_ / "manifest.json");
  for (size_t i = 0; i < content.size(); ++i) {
    std::string damaged = content;
    damaged[i] ^= static_cast<char>(1 << (i % 8));
    std::ofstream(checkpoint_ / "manifest.json") << damaged;
    EXPECT_NE(refusal(), "no error") << "byte " << i;
  }
}

TEST_F(DamagedCheckpointTest, ALinkInPlaceOfAFileIsRefused) {
  fs::rename(checkpoint_ / "a", temp_ / "elsewhere");
  fs::create_symlink(temp_ / "elsewhere", checkpoint_ / "a");
  EXPECT_NE(refusal().find("/a: is a link"), std::string::npos) << refusal();
}

TEST_F(DamagedCheckpointTest, APipeOrAFolderInPlaceOfAFileIsRefused) {
  fs::remove(checkpoint_ / "a");
  ASSERT_EQ(::mkfifo((checkpoint_ / "a").c_str(), 0600), 0);
  EXPECT_NE(refusal().find("/a: not a regular file"), std::string::npos) << refusal();
  fs::remove(checkpoint_ / "a");
  fs::create_directory(checkpoint_ / "a");
  EXPECT_NE(refusal().find("/a: not a regular file"), std::string::npos) << refusal();
}

TEST_F(DamagedCheckpointTest, ANameThatLeadsElsewhereIsRefused) {
  for (const char* name : {"\"../a\"", "\"/etc/passwd\"", "\"..\"", "\"\"", "\"a\\u0000\""}) {
    change_manifest("\"a\"", name);
    EXPECT_NE(refusal().find("outside its folder"), std::string::npos) << name << refusal();
    change_manifest(name, "\"a\"");
  }
}

TEST_F(DamagedCheckpointTest, ANewerVersionSaysSo) {
  change_manifest("\"version\": 1", "\"version\": 2");
  EXPECT_NE(refusal().find("has format version 2, this program knows up to 1; use a newer dtrain"),
            std::string::npos)
      << refusal();
}

TEST_F(DamagedCheckpointTest, AnotherFormatSaysSo) {
  std::ofstream(checkpoint_ / "manifest.json") << R"({"format": "something"})";
  EXPECT_NE(refusal().find("its format is not dtrain-checkpoint"), std::string::npos) << refusal();
}

TEST_F(DamagedCheckpointTest, APlaceWithoutCheckpointSaysSo) {
  EXPECT_NE(error_text([&] { verify_checkpoint(folder_ / "none"); }).find("no such checkpoint"),
            std::string::npos);
  fs::remove_all(checkpoint_);
  EXPECT_NE(error_text([&] { verify_checkpoint(folder_ / "last"); }).find("the link leads nowhere"),
            std::string::npos);
}

}  // namespace
}  // namespace dtrain::checkpoint
