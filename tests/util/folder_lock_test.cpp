// A folder that one process works in at a time.
#include "util/folder_lock.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::util {
namespace {

using dtrain::testing::error_text;
using dtrain::testing::mentions;

TEST(FolderLock, IsHeldByOneUntilItIsLetGo) {
  const dtrain::testing::TempFolder folder;
  std::optional<FolderLock> first(std::in_place, folder.path(), "training in");
  EXPECT_TRUE(
      mentions(error_text([&] { FolderLock second(folder.path(), "training in"); }, ExitCode::kIo),
               {folder.path().string(), "another process is training in it"}));
  first.reset();
  EXPECT_NO_THROW(FolderLock(folder.path(), "training in"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(FolderLock, NamesAFolderThatIsNotThere) {
  const dtrain::testing::TempFolder folder;
  EXPECT_TRUE(
      mentions(error_text([&] { FolderLock lock(folder / "none", "training in"); }, ExitCode::kIo),
               {"none"}));
}

}  // namespace
}  // namespace dtrain::util
