// A warning before training where checkpoints will not fit.
#include "run/space.h"

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace dtrain::run {
namespace {

TEST(Space, IsWarnedOfWhereTheCheckpointsThatAreKeptDoNotFit) {
  const testing::TempFolder folder;
  const checkpoint::CheckpointConfig config{.keep_last = 2, .keep_best = true};
  EXPECT_EQ(space_warning(folder.path(), 1000, config, 4000), "");
  const std::string warning = space_warning(folder.path(), 1'000'000, config, 3'900'000);
  EXPECT_NE(warning.find("3.9 MB left"), std::string::npos) << warning;
  EXPECT_NE(warning.find("4 checkpoints to come need 4.0 MB"), std::string::npos) << warning;
  // Those that are there will make room.
  std::filesystem::create_directory(folder / "step-00000010");
  EXPECT_EQ(space_warning(folder.path(), 1'000'000, config, 3'900'000), "");
  EXPECT_EQ(space_warning(folder.path(), 1000, config), "");  // as the disk is
}

}  // namespace
}  // namespace dtrain::run
