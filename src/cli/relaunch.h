// `dtrain --gpus N ...` and `dtrain --ranks N ...`: the same command under mpirun, on this machine.
//
// The process only waits for mpirun, asks the ranks to save when it is asked to end, and ends with
// mpirun's exit code. The ranks get the command line without these two flags, which are no settings
// of a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "dist/mpi_scope.h"

namespace dtrain::cli {

struct RankRequest {
  bool on_gpus = false;  // --gpus, not --ranks
  int64_t count = 0;     // 0: --gpus all
};

// Takes --gpus and --ranks out of the words in front of `--`; nothing where neither is there.
// Throws Error(kUsage) for a value that is no number of ranks, and for more than one of the flags.
std::optional<RankRequest> take_rank_request(Words& words);

// The GPUs that a process may use, counted without starting CUDA: the entries of
// CUDA_VISIBLE_DEVICES up to the first that names none, as CUDA reads it; where it is not set
// (nullptr), the device files nvidia0, nvidia1, ...
int64_t visible_gpus(const char* cuda_visible_devices,
                     const std::filesystem::path& device_files = "/dev");

// The command line of mpirun that starts `program` with the command and words on `count` ranks.
// --gpus puts --device cuda first, which a later --device of the user's overrides. Throws
// Error(kUsage) for a word that mpirun would take for its own.
Words mpirun_command(const std::string& program,
                     const Invocation& invocation,
                     const RankRequest& request);

// Runs mpirun where the words ask for it, and returns its exit code; nothing where they do not.
// `mpi` is nullptr for a command that does not use ranks. Collective, and throws on all ranks
// Error(kUsage) where a launcher has started this process: an mpirun never starts another one. Else
// throws Error(kUsage) for a wrong request, Error(kConfig) for one that does not fit this machine,
// Error(kMissing) without an mpirun.
std::optional<int> relaunch_if_asked(const Invocation& invocation, const dist::MpiScope* mpi);

}  // namespace dtrain::cli
