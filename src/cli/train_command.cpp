// dtrain train.
#include <cstdio>

#include "cli/commands.h"
#include "cli/config_arguments.h"
#include "dist/mpi_scope.h"
#include "run/resumed_settings.h"
#include "run/train_run.h"
#include "settings/run_config.h"
#include "util/check.h"
#include "util/log.h"
#include "util/signals.h"

namespace dtrain::cli {
namespace {

// A training that resumes has its settings in its checkpoint.
settings::RunConfig training_settings(const Arguments& arguments, const dist::MpiScope& mpi) {
  bool resumes = false;
  for (const config::Override& one : arguments.overrides) {
    if (one.path == "run.resume") resumes = !one.text.empty();
  }
  if (resumes && arguments.config_file.empty()) {
    if (mpi.rank() == 0) util::log().set_terminal(stdout);
    return run::resumed_settings(arguments.overrides, mpi);
  }
  return dist::together(
      mpi, [&] { return settings::load_run_config(arguments.config_file, arguments.overrides); });
}

}  // namespace

int run_train(const Words& words, dist::MpiScope* mpi) {
  check(mpi != nullptr, "MPI is started before a command that uses ranks");
  util::watch_stop_signals();
  const Arguments arguments = dist::together(*mpi, [&] { return read_run_arguments(words); });
  const settings::RunConfig config = training_settings(arguments, *mpi);
  const run::Outcome outcome = run::train(config, *mpi);
  return outcome == run::Outcome::kPreempted ? int(ExitCode::kRetry) : 0;
}

}  // namespace dtrain::cli
