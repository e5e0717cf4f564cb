// The processor time that control groups leave: both versions, nested groups, containers.
#include "util/processors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

namespace dtrain::util {
namespace {

class GrantedProcessors : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::optional<int64_t> granted() { return granted_processors(folder_ / "self", folder_ / "fs"); }

  testing::TempFolder folder_;
};

TEST_F(GrantedProcessors, AreUnknownWithoutGroupsOrLimits) {
  EXPECT_EQ(granted(), std::nullopt);
  write("self", "0::/job\n");
  EXPECT_EQ(granted(), std::nullopt);
  write("fs/job/cpu.max", "max 100000\n");
  EXPECT_EQ(granted(), std::nullopt);
}

TEST_F(GrantedProcessors, AreTheLeastOfAllGroupsAbove) {
  write("self", "0::/slurm/job_7/step_0\n");
  write("fs/slurm/cpu.max", "800000 100000\n");
  write("fs/slurm/job_7/cpu.max", "250000 100000\n");
  write("fs/slurm/job_7/step_0/cpu.max", "max 100000\n");
  EXPECT_EQ(granted(), 2);
}

TEST_F(GrantedProcessors, StandAtTheRootInsideAContainer) {
  write("self", "0::/docker/not-mounted-here\n");
  write("fs/cpu.max", "350000 100000\n");
  EXPECT_EQ(granted(), 3);
  write("self", "0::/../elsewhere\n");
  EXPECT_EQ(granted(), 3);
}

TEST_F(GrantedProcessors, AreOneAtLeast) {
  write("self", "0::/\n");
  write("fs/cpu.max", "20000 100000\n");
  EXPECT_EQ(granted(), 1);
}

TEST_F(GrantedProcessors, AreReadFromVersionOneToo) {
  write("self", "12:cpuset:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/\n");
  write("fs/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  write("fs/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(granted(), std::nullopt);
  write("fs/cpu,cpuacct/job/cpu.cfs_quota_us", "400000\n");
  EXPECT_EQ(granted(), 4);
}

}  // namespace
}  // namespace dtrain::util
