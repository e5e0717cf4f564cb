// How much of a machine the control groups of this process leave it.
//
// Looked at are the group that the process is in and all groups above it, in versions 1 and 2.
// Inside a container the groups above it cannot be seen; its own limits then stand at the root of
// the mount. `proc_file` and `mount` are for tests.
// Source: kernel.org, admin-guide/cgroup-v2.rst, "CPU" and "Memory Interface Files";
// cgroup-v1/memory.rst; scheduler/sched-bwc.rst.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dtrain::util {

// The smallest limit (cpu.max, cpu.cfs_quota_us) in whole processors, at least 1; nothing where no
// group has a limit or none can be read.
std::optional<int64_t> granted_processors(
    const std::filesystem::path& proc_file = "/proc/self/cgroup",
    const std::filesystem::path& mount = "/sys/fs/cgroup");

// The bytes that are left until the first of the groups meets its limit (memory.max, memory.high,
// memory.limit_in_bytes). Pages of files that the kernel would drop first (inactive_file) count as
// free, as in MemAvailable. Nothing where no group has a limit.
std::optional<int64_t> granted_memory(const std::filesystem::path& proc_file = "/proc/self/cgroup",
                                      const std::filesystem::path& mount = "/sys/fs/cgroup");

}  // namespace dtrain::util
