// Looks at a set-up the way a training would use it, and says what is wrong with it.
#pragma once

#include "dist/mpi_scope.h"
#include "settings/run_config.h"
#include "util/check.h"

namespace dtrain::run {

// Under the launcher line of the run: number of ranks, cores and threads, devices, output folder,
// data set, connections (all-reduces with a known sum, timed), and one step of all ranks against
// the same global batch on one rank. Prints a table on rank 0, a line for each check with what to
// do. Collective; returns, on every rank, the exit code of the worst failure, or kDone. Writes
// nothing but small files in the output folder, which it removes.
ExitCode examine(settings::RunConfig config, const dist::MpiScope& mpi);

}  // namespace dtrain::run
