// Where a training starts, from a checkpoint or anew, and the folder that it writes to.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/resume.h"
#include "config/json.h"
#include "dist/mpi_scope.h"
#include "settings/run_config.h"
#include "settings/run_folder.h"
#include "util/folder_lock.h"

namespace dtrain::run {

// A resumed run goes on in the folder of its checkpoint; an empty checkpoint means a new run.
struct Start {
  std::string checkpoint;
  int64_t step = 0;   // that it stands at
  config::Json meta;  // of that checkpoint
};

// The checkpoint that run.resume names, or the newest in `folder` where one is given. Collective;
// rank 0 reads, and takes the lock of the run's folder. Throws what checkpoint::resolve_resume()
// throws, and what util::FolderLock throws where another process has the folder.
Start find_start(const settings::RunConfig& config,
                 const std::filesystem::path& folder,
                 const dist::MpiScope& mpi,
                 std::optional<util::FolderLock>& lock);

// Rank 0 makes the folder, or finds that of the checkpoint or takes `wanted`, and writes
// config.json; every rank opens its log in it. Collective. Throws Error(kIo).
settings::RunFolder open_run_folder(const settings::RunConfig& config,
                                    const std::filesystem::path& wanted,
                                    const Start& start,
                                    const dist::MpiScope& mpi,
                                    std::optional<util::FolderLock>& lock);

}  // namespace dtrain::run
