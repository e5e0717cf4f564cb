// dtrain train: from the command line to a configuration that is complete and the same on every
// rank.
#include <string>

#include "cli/commands.h"
#include "cli/flags.h"
#include "dist/mpi_scope.h"
#include "run/run_config.h"
#include "run/train_run.h"
#include "util/check.h"

namespace dtrain::cli {
namespace {

run::RunConfig read_config(const Words& words) {
  run::RunConfig defaults;
  const Arguments arguments = parse_arguments(words, config::collect(defaults));
  if (!arguments.positionals.empty()) {
    throw usage_error("command line",
                      "stray argument \"" + arguments.positionals[0] + "\"",
                      "flags are --name value; the config file is --config FILE");
  }
  return run::load_run_config(arguments.config_file, arguments.overrides);
}

}  // namespace

int run_train(const Words& words, dist::MpiScope* mpi) {
  check(mpi != nullptr, "MPI is started before a command that uses ranks");
  const run::RunConfig config = dist::together(*mpi, [&] { return read_config(words); });
  run::train(config, *mpi);
  return 0;
}

}  // namespace dtrain::cli
