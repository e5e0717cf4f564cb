// One training, from the settings to the last checkpoint.
#pragma once

#include "dist/mpi_scope.h"
#include "run/run_config.h"

namespace dtrain::run {

// Trains as `config` says (as loaded; "auto" values are settled here) and returns when it is done.
// Called on every rank with the same config. Throws Error; a failure of set-up is agreed on by all
// ranks, a failure during training is this rank's own (main ends the others).
void train(RunConfig config, const dist::MpiScope& mpi);

}  // namespace dtrain::run
