#include "util/processors.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace dtrain::util {
namespace {

namespace fs = std::filesystem;

// Version 2: "max 100000" or "150000 100000".
double limit_in_cpu_max(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period && period > 0 ? quota / period : 0;
}

// Version 1: a quota of -1 is none.
double limit_in_cfs_quota(const fs::path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
  double quota = 0, period = 0;
  return quota_file >> quota && period_file >> period && period > 0 ? quota / period : 0;
}

// Whether "cpu" is one of the comma-separated controllers.
bool has_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

std::optional<int64_t> granted_processors(const fs::path& proc_file, const fs::path& mount) {
  std::optional<double> least;
  const auto look = [&](fs::path root, const std::string& group, auto&& limit_in) {
    // A path that leads out of the mount ("/../x", another namespace's) names nothing that can be
    // seen from here; the root of the mount always is.
    fs::path below = fs::path(group).lexically_normal().relative_path();
    if (!below.empty() && *below.begin() == "..") below.clear();
    while (true) {
      const double limit = limit_in(root / below);
      if (limit > 0) least = std::min(least.value_or(limit), limit);
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
      look(mount, group, limit_in_cpu_max);
      look(mount / "unified", group, limit_in_cpu_max);  // both versions mounted
    } else if (has_cpu(controllers)) {
      look(mount / controllers, group, limit_in_cfs_quota);
      look(mount / "cpu", group, limit_in_cfs_quota);
    }
  }
  if (!least) return std::nullopt;
  return std::max<int64_t>(1, static_cast<int64_t>(*least));
}

}  // namespace dtrain::util
