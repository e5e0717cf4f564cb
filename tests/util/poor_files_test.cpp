// File systems without symbolic links, locks, exchange of folders or fsync of folders.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/folder_link.h"
#include "util/folder_lock.h"
#include "util/folder_trial.h"

namespace dtrain::util {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::mentions;

class PoorFiles : public ::testing::Test {
 protected:
  static void without(const char* what) { ::setenv("POOR_FILES", what, 1); }
  void TearDown() override { ::unsetenv("POOR_FILES"); }

  dtrain::testing::TempFolder folder_;
};

TEST_F(PoorFiles, AreFoundOutByTrying) {
  EXPECT_EQ(missing_abilities(try_folder(folder_.path())), "");
  without("symlink flock renameat2 fsync");
  EXPECT_EQ(missing_abilities(try_folder(folder_.path())),
            "no symbolic links, no locks, no exchange of folders, no fsync of folders");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(PoorFiles, ThatCannotSyncAFolderAreNoError) {
  without("fsync");
  EXPECT_NO_THROW(sync_folder(folder_.path()));
}

TEST_F(PoorFiles, WithoutLinksHaveFilesThatNameTheFolder) {
  fs::create_directory(folder_ / "step-1");
  fs::create_directory(folder_ / "step-2");
  const fs::path last = folder_ / "last";
  for (const char* lacking : {"symlink", "", "symlink"}) {
    without(lacking);
    for (const char* name : {"step-1", "step-2"}) {
      point_to_folder(last, name);
      EXPECT_EQ(fs::is_symlink(last), std::string(lacking).empty());
      EXPECT_EQ(pointed_name(last), name);
      EXPECT_EQ(followed(last), fs::canonical(folder_ / name));
    }
  }
}

TEST_F(PoorFiles, AreNotFollowedOutOfTheirFolder) {
  for (const char* text : {"../x\n", "/tmp\n", "..\n", "", "a\nb\n"}) {
    write_file_atomic(folder_ / "last", text);
    EXPECT_EQ(pointed_name(folder_ / "last"), "") << text;
    EXPECT_EQ(followed(folder_ / "last"), folder_ / "last");
  }
}

TEST_F(PoorFiles, WithoutLocksAreHeldByOneProcessAllTheSame) {
  without("flock");
  std::optional<FolderLock> first(std::in_place, folder_.path(), "training in");
  EXPECT_TRUE(
      mentions(error_text([&] { FolderLock second(folder_.path(), "training in"); }, ExitCode::kIo),
               {"another process is training in it", std::to_string(::getpid()), ".lock-holder"}));
  first.reset();
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(PoorFiles, AreTakenOverFromAKilledProcess) {
  without("flock");
  const pid_t child = ::fork();
  if (child == 0) {
    auto* const held = new FolderLock(folder_.path(), "training in");
    ::_exit(held != nullptr ? 0 : 1);
  }
  ::waitpid(child, nullptr, 0);
  ASSERT_TRUE(fs::exists(folder_ / ".lock-holder"));
  EXPECT_NO_THROW(FolderLock(folder_.path(), "training in"));
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(PoorFiles, AreTakenOverFromAnotherHostWhenNobodyTouchesThem) {
  without("flock");
  write_file_atomic(folder_ / ".lock-holder", "17 x elsewhere\n");
  // It may have been killed, so a job that is started again comes back later.
  EXPECT_TRUE(mentions(
      error_text([&] { FolderLock lock(folder_.path(), "training in"); }, ExitCode::kRetry),
      {"number 17 on elsewhere", "120 s"}));
  const timespec old[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder_ / ".lock-holder").c_str(), old, 0), 0);
  EXPECT_NO_THROW(FolderLock(folder_.path(), "training in"));
}

}  // namespace
}  // namespace dtrain::util
