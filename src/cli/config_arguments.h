// The command line of commands that take a run's settings.
#pragma once

#include "cli/commands.h"
#include "cli/flags.h"
#include "settings/run_config.h"

namespace dtrain::cli {

// A word that is no flag names the config file where it ends in .json, else the data: both become
// what --config and --data-dir make of them. Throws Error(kUsage) for a second one of a kind.
void take_data_or_config(Arguments& arguments);

// Flags, a config file and data.
Arguments read_run_arguments(const Words& words);

// The settings that they make. Throws what load_run_config() throws too.
settings::RunConfig read_run_config(const Words& words);

}  // namespace dtrain::cli
