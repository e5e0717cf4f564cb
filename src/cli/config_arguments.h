// The command line of commands that take a run's settings.
#pragma once

#include "cli/commands.h"
#include "cli/flags.h"
#include "settings/run_config.h"

namespace dtrain::cli {

// --config FILE and flags, nothing else. Throws Error(kUsage) for anything that is no flag.
Arguments read_run_arguments(const Words& words);

// The settings that they make. Throws what load_run_config() throws too.
settings::RunConfig read_run_config(const Words& words);

}  // namespace dtrain::cli
