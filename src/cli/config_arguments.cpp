#include "cli/config_arguments.h"

#include "util/check.h"
#include "util/text.h"

namespace dtrain::cli {

Arguments read_run_arguments(const Words& words) {
  settings::RunConfig defaults;
  Arguments arguments = parse_arguments(words, config::collect(defaults));
  if (!arguments.positionals.empty()) {
    throw usage_error("command line",
                      "stray argument " + util::quoted(arguments.positionals[0]),
                      "flags are --name value; the config file is --config FILE");
  }
  return arguments;
}

settings::RunConfig read_run_config(const Words& words) {
  const Arguments arguments = read_run_arguments(words);
  return settings::load_run_config(arguments.config_file, arguments.overrides);
}

}  // namespace dtrain::cli
