// Whether the checkpoints of a run have room on their file system.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/checkpoint_config.h"

namespace dtrain::run {

// A warning where the file system of `folder`, the checkpoints of a run, has fewer bytes left than
// `config` will fill: keep_last and the best one, and one more while it is written, of
// `checkpoint_bytes` each, less what the folder holds already. Empty where there is room, or where
// nobody can tell. `available` is for tests.
std::string space_warning(const std::filesystem::path& folder,
                          int64_t checkpoint_bytes,
                          const checkpoint::CheckpointConfig& config,
                          std::optional<int64_t> available = std::nullopt);

}  // namespace dtrain::run
