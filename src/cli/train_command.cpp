// dtrain train.
#include "cli/commands.h"
#include "cli/config_arguments.h"
#include "dist/mpi_scope.h"
#include "run/train_run.h"
#include "settings/run_config.h"
#include "util/check.h"
#include "util/signals.h"

namespace dtrain::cli {

int run_train(const Words& words, dist::MpiScope* mpi) {
  check(mpi != nullptr, "MPI is started before a command that uses ranks");
  util::watch_stop_signals();
  const settings::RunConfig config = dist::together(*mpi, [&] { return read_run_config(words); });
  const run::Outcome outcome = run::train(config, *mpi);
  return outcome == run::Outcome::kPreempted ? int(ExitCode::kRetry) : 0;
}

}  // namespace dtrain::cli
