// The command line of commands that take a run's settings.
#pragma once

#include "cli/commands.h"
#include "settings/run_config.h"

namespace dtrain::cli {

// --config FILE and flags, nothing else. Throws Error(kUsage) for anything that is no flag, and
// what load_run_config() throws.
settings::RunConfig read_run_config(const Words& words);

}  // namespace dtrain::cli
