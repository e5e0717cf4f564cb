// The command line of commands that have settings of their own beside those of a run.
//
//   auto parsed = parse_command<data::PackConfig>(words);
//   settings::RunConfig run = settings::load_run_config(parsed.config_file, parsed.of_run);
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands.h"
#include "cli/flags.h"
#include "config/describe.h"
#include "config/problems.h"
#include "config/reader.h"
#include "settings/run_config.h"

namespace dtrain::cli {

template <class Own>
struct CommandSettings {
  settings::RunConfig run;
  Own own;
};

// The command's own fields stand in no section: their flags are --name.
template <class V, class Own>
void fields(V& v, CommandSettings<Own>& c) {
  fields(v, c.run);
  fields(v, c.own);
}

// The command's own fields as `dtrain help` prints them.
template <class Own>
std::string own_flags() {
  Own defaults;
  return config::help_text(config::collect(defaults), &flags_of);
}

template <class Own>
struct ParsedCommand {
  Own own;
  std::vector<config::Override> of_run;
  config::Origins origins;  // of the command's own settings
  std::string config_file;
  Words positionals;

  // The last value given to a setting of the run, taken out; empty where there is none.
  std::string take(const std::string& path) {
    std::string value;
    std::erase_if(of_run, [&](const config::Override& setting) {
      if (setting.path == path) value = setting.text;
      return setting.path == path;
    });
    return value;
  }
};

// Throws Error(kUsage) for unknown flags and for values of the command's own that are not possible.
template <class Own>
ParsedCommand<Own> parse_command(const Words& words) {
  CommandSettings<Own> settings;
  const Arguments arguments = parse_arguments(words, config::collect(settings));
  ParsedCommand<Own> parsed;
  parsed.config_file = arguments.config_file;
  parsed.positionals = arguments.positionals;
  config::Problems problems;
  const config::FieldList own = config::collect(parsed.own);
  for (const config::Override& setting : arguments.overrides) {
    if (config::find_field(own, setting.path) == nullptr) {
      parsed.of_run.push_back(setting);
    } else {
      config::read_text(own, setting, parsed.origins, problems);
    }
  }
  config::check_limits(own, parsed.origins, problems);
  problems.throw_if_any("command line", ExitCode::kUsage);
  return parsed;
}

// For commands between files, which have no settings of a run. `usage` is the advice where a
// --config is given.
template <class Own>
ParsedCommand<Own> parse_file_command(const Words& words, const std::string& usage) {
  ParsedCommand<Own> parsed;
  const config::FieldList own = config::collect(parsed.own);
  const Arguments arguments = parse_arguments(words, own);
  config::Problems problems;
  for (const config::Override& setting : arguments.overrides) {
    config::read_text(own, setting, parsed.origins, problems);
  }
  config::check_limits(own, parsed.origins, problems);
  problems.throw_if_any("command line", ExitCode::kUsage);
  if (!arguments.config_file.empty()) {
    throw usage_error("command line", "there is no --config", usage);
  }
  parsed.positionals = arguments.positionals;
  return parsed;
}

// What --threads 0 stands for.
inline int64_t threads_or_all(int64_t threads) {
  return threads > 0 ? threads : std::max<int64_t>(1, std::thread::hardware_concurrency());
}

}  // namespace dtrain::cli
