// What control groups leave of processors and memory: both versions, nested groups, containers.
#include "util/control_groups.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

namespace dtrain::util {
namespace {

class ControlGroups : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::optional<int64_t> granted() { return granted_processors(folder_ / "self", folder_ / "fs"); }
  std::optional<int64_t> memory() { return granted_memory(folder_ / "self", folder_ / "fs"); }

  testing::TempFolder folder_;
};
class GrantedProcessors : public ControlGroups {};
class GrantedMemory : public ControlGroups {};

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

TEST_F(GrantedMemory, IsWhatIsLeftInTheTightestOfTheGroupsAbove) {
  write("self", "0::/slurm/job_7/step_0\n");
  write("fs/slurm/job_7/step_0/memory.max", "max\n");
  EXPECT_EQ(memory(), std::nullopt);
  write("fs/slurm/memory.max", "9000\n");
  write("fs/slurm/memory.current", "8500\n");
  EXPECT_EQ(memory(), 500);
  write("fs/slurm/memory.current", "1000\n");
  write("fs/slurm/job_7/memory.max", "4000\n");
  write("fs/slurm/job_7/memory.current", "1000\n");
  EXPECT_EQ(memory(), 3000);
  write("fs/slurm/job_7/memory.high", "3500\n");
  EXPECT_EQ(memory(), 2500);
}

TEST_F(GrantedMemory, CountsPagesOfFilesThatCanBeDroppedAsFree) {
  write("self", "0::/\n");
  write("fs/memory.max", "4000\n");
  write("fs/memory.current", "4000\n");
  EXPECT_EQ(memory(), 0);
  write("fs/memory.stat", "anon 500\nfile 3400\ninactive_file 3000\nactive_file 400\n");
  EXPECT_EQ(memory(), 3000);
}

TEST_F(GrantedMemory, IsReadFromVersionOneToo) {
  write("self", "4:memory:/job/step\n1:name=systemd:/\n0::/\n");
  write("fs/memory/job/step/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(memory(), std::nullopt);
  write("fs/memory/job/memory.limit_in_bytes", "8000\n");
  write("fs/memory/job/memory.usage_in_bytes", "3000\n");
  write("fs/memory/job/memory.stat", "cache 1000\ninactive_file 1\ntotal_inactive_file 600\n");
  EXPECT_EQ(memory(), 5600);
}

TEST_F(GrantedMemory, OfAContainerStandsAtTheRoot) {
  write("self", "0::/../elsewhere\n");
  write("fs/memory.max", "2000\n");
  EXPECT_EQ(memory(), 2000);
}

}  // namespace
}  // namespace dtrain::util
