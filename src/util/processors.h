// How much processor time the control groups of this process leave it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dtrain::util {

// The smallest limit of the group that this process is in and of all groups above it, in whole
// processors and at least 1; nothing where no group has a limit or none can be read. Versions 1
// (cpu.cfs_quota_us) and 2 (cpu.max) are read. Inside a container the groups above it cannot be
// seen; its own limit then stands at the root of the mount. `proc_file` and `mount` are for tests.
// Source: kernel.org, admin-guide/cgroup-v2.rst, "CPU Interface Files"; scheduler/sched-bwc.rst.
std::optional<int64_t> granted_processors(
    const std::filesystem::path& proc_file = "/proc/self/cgroup",
    const std::filesystem::path& mount = "/sys/fs/cgroup");

}  // namespace dtrain::util
