#include "run/space.h"

#include <sys/statvfs.h>

#include <algorithm>

#include "checkpoint/checkpoint_folder.h"
#include "util/text.h"

namespace dtrain::run {
namespace {

namespace fs = std::filesystem;

// For users without privileges; nothing where the file system does not say (all zeros).
std::optional<int64_t> available_bytes(const fs::path& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0 || status.f_blocks == 0) return std::nullopt;
  return static_cast<int64_t>(status.f_bavail) * static_cast<int64_t>(status.f_frsize);
}

std::string megabytes(int64_t bytes) {
  return util::formatted("%.*f MB", bytes < 10'000'000 ? 1 : 0, static_cast<double>(bytes) * 1e-6);
}

}  // namespace

std::string space_warning(const fs::path& folder,
                          int64_t checkpoint_bytes,
                          const checkpoint::CheckpointConfig& config,
                          std::optional<int64_t> available) {
  if (!available) available = available_bytes(folder);
  if (!available) return {};
  // "All of them" is said with a large number, which says nothing about those to come.
  constexpr int64_t kMany = 100;
  if (config.keep_last > kMany) return {};
  const int64_t kept = config.keep_last + (config.keep_best ? 1 : 0) + 1;
  const int64_t there =
      std::min(kept, static_cast<int64_t>(checkpoint::list_checkpoints(folder).size()));
  const int64_t needed = (kept - there) * checkpoint_bytes;
  if (needed <= *available) return {};
  return "the disk of " + folder.string() + " has " + megabytes(*available) + " left, and " +
         std::to_string(kept - there) + " checkpoints to come need " + megabytes(needed) +
         ": free some space, lower checkpoint.keep_last, or choose another --output";
}

}  // namespace dtrain::run
