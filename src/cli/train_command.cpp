// dtrain train: from the command line to a configuration that is complete and the same on every
// rank.
#include <string>

#include "cli/commands.h"
#include "cli/flags.h"
#include "dist/mpi_scope.h"
#include "run/machine.h"
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

// Each rank reads its own file and looks at its own processors and GPUs; what comes out must be the
// same, or the ranks would train different things. `config` is a copy.
void expect_same_everywhere(run::RunConfig config, const dist::MpiScope& mpi) {
  dist::together(mpi, [&] { run::resolve(config, run::this_machine(mpi)); });
  config.run.threads = 0;  // hosts may differ in processors
  config.origins.clear();
  const std::string first = mpi.broadcast(run::effective_config(config));
  dist::together(mpi, [&] {
    const auto found = run::differences(run::parse_effective_config(first, "rank 0"), config);
    if (found.empty()) return;
    throw config_error(
        found[0].path,
        "is " + found[0].right + " here, but " + found[0].left + " on rank 0",
        "give all hosts the same config file; where they have different hardware, set it");
  });
}

}  // namespace

int run_train(const Words& words, dist::MpiScope* mpi) {
  check(mpi != nullptr, "MPI is started before a command that uses ranks");
  const run::RunConfig config = dist::together(*mpi, [&] { return read_config(words); });
  expect_same_everywhere(config, *mpi);
  run::train(config, *mpi);
  return 0;
}

}  // namespace dtrain::cli
