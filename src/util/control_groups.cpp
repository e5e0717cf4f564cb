#include "util/control_groups.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>

namespace dtrain::util {
namespace {

namespace fs = std::filesystem;

// Version 2: "max 100000" or "150000 100000".
std::optional<double> limit_in_cpu_max(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0, period = 0;
  if (file >> quota >> period && quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

// Version 1: a quota of -1 is none.
std::optional<double> limit_in_cfs_quota(const fs::path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0) {
    return quota / period;
  }
  return std::nullopt;
}

// A number of bytes; nothing for "max", and for the huge number that version 1 has instead.
std::optional<double> bytes_in(const fs::path& path) {
  constexpr double kNoLimit = double(int64_t{1} << 60);
  std::ifstream file(path);
  double bytes = 0;
  if (file >> bytes && bytes < kNoLimit) return bytes;
  return std::nullopt;
}

double value_in(const fs::path& path, const std::string& wanted) {
  std::ifstream file(path);
  std::string key;
  for (double value = 0; file >> key >> value;) {
    if (key == wanted) return value;
  }
  return 0;
}

double left_of(double limit, const fs::path& usage, const fs::path& stat, const char* droppable) {
  const double used = bytes_in(usage).value_or(0) - value_in(stat, droppable);
  return std::max(0.0, limit - std::max(0.0, used));
}

// Version 2. Above memory.high the kernel slows a group down until it is below again.
std::optional<double> memory_left_in_v2(const fs::path& group) {
  const auto max = bytes_in(group / "memory.max"), high = bytes_in(group / "memory.high");
  if (!max && !high) return std::nullopt;
  const double limit = std::min(max.value_or(high.value_or(0)), high.value_or(max.value_or(0)));
  return left_of(limit, group / "memory.current", group / "memory.stat", "inactive_file");
}

std::optional<double> memory_left_in_v1(const fs::path& group) {
  const auto limit = bytes_in(group / "memory.limit_in_bytes");
  if (!limit) return std::nullopt;
  return left_of(
      *limit, group / "memory.usage_in_bytes", group / "memory.stat", "total_inactive_file");
}

// Whether `wanted` is one of the comma-separated controllers.
bool has_controller(const std::string& controllers, const std::string& wanted) {
  return ("," + controllers + ",").find("," + wanted + ",") != std::string::npos;
}

using Reader = std::function<std::optional<double>(const fs::path& group)>;

// The least that the group of this process and those above it say.
std::optional<double> least(const fs::path& proc_file,
                            const fs::path& mount,
                            const std::string& controller,
                            const Reader& in_v1,
                            const Reader& in_v2) {
  std::optional<double> least;
  const auto look = [&](fs::path root, const std::string& group, const Reader& read) {
    // A path that leads out of the mount ("/../x", another namespace's) names nothing that can be
    // seen from here; the root of the mount always is.
    fs::path below = fs::path(group).lexically_normal().relative_path();
    if (!below.empty() && *below.begin() == "..") below.clear();
    while (true) {
      if (const auto value = read(root / below)) least = std::min(least.value_or(*value), *value);
      if (below.empty()) return;
      below = below.parent_path();
    }
  };
  std::ifstream groups(proc_file);  // lines of hierarchy:controllers:path
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      look(mount, group, in_v2);
      look(mount / "unified", group, in_v2);  // both versions mounted
    } else if (has_controller(controllers, controller)) {
      look(mount / controllers, group, in_v1);
      look(mount / controller, group, in_v1);
    }
  }
  return least;
}

}  // namespace

std::optional<int64_t> granted_processors(const fs::path& proc_file, const fs::path& mount) {
  const auto limit = least(proc_file, mount, "cpu", limit_in_cfs_quota, limit_in_cpu_max);
  if (!limit) return std::nullopt;
  return std::max<int64_t>(1, static_cast<int64_t>(*limit));
}

std::optional<int64_t> granted_memory(const fs::path& proc_file, const fs::path& mount) {
  const auto left = least(proc_file, mount, "memory", memory_left_in_v1, memory_left_in_v2);
  if (!left) return std::nullopt;
  return static_cast<int64_t>(*left);
}

}  // namespace dtrain::util
