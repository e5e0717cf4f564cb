// One training, from the settings to the last checkpoint.
#pragma once

#include <filesystem>

#include "dist/mpi_scope.h"
#include "settings/run_config.h"

namespace dtrain::run {

// Where a training writes, when not to a new folder in run.output.
struct TrainPlace {
  // The run folder: made, or gone on in from its newest checkpoint; run.resume is passed over.
  std::filesystem::path folder = {};
  bool on_terminal = true;  // rank 0's log lines appear there, not in files alone
};

enum class Outcome {
  kDone,
  kPreempted,  // a signal asked to end: the training is saved, and starting it again resumes it
};

// Trains as `config` says (as loaded; "auto" values are settled here) and returns when it is done,
// or when SIGTERM, SIGINT or SIGUSR1, on any rank, has ended it early: alike on all ranks. Called
// on every rank with the same config. Throws Error; a failure of set-up is agreed on by all ranks,
// a failure during training is this rank's own (main ends the others).
Outcome train(settings::RunConfig config, const dist::MpiScope& mpi, const TrainPlace& place = {});

}  // namespace dtrain::run
