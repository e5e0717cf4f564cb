// dtrain doctor.
#include "cli/commands.h"
#include "cli/config_arguments.h"
#include "dist/mpi_scope.h"
#include "run/doctor.h"
#include "util/check.h"

namespace dtrain::cli {

int run_doctor(const Words& words, dist::MpiScope* mpi) {
  check(mpi != nullptr, "MPI is started before a command that uses ranks");
  const settings::RunConfig config = dist::together(*mpi, [&] { return read_run_config(words); });
  return int(run::examine(config, *mpi));
}

}  // namespace dtrain::cli
