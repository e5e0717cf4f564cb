#include "cli/config_arguments.h"

#include <algorithm>
#include <filesystem>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::cli {

void take_data_or_config(Arguments& arguments) {
  for (const std::string& word : arguments.positionals) {
    const bool is_config = word.ends_with(".json");
    const bool is_second =
        is_config
            ? !arguments.config_file.empty()
            : std::any_of(arguments.overrides.begin(),
                          arguments.overrides.end(),
                          [](const config::Override& one) { return one.path == "data.data_dir"; });
    if (is_second) {
      throw usage_error("command line",
                        "stray argument " + util::quoted(word),
                        is_config ? "one config file is enough" : "the data are named already");
    }
    if (!is_config && !std::filesystem::exists(word)) {
      throw usage_error(
          "command line",
          "stray argument " + util::quoted(word) + ": there is no such folder or file",
          "words name the data or a config file; flags are --name value");
    }
    if (is_config) {
      arguments.config_file = word;
    } else {
      arguments.overrides.push_back({"data.data_dir", word, "command line"});
    }
  }
  arguments.positionals.clear();
}

Arguments read_run_arguments(const Words& words) {
  settings::RunConfig defaults;
  Arguments arguments = parse_arguments(words, config::collect(defaults));
  take_data_or_config(arguments);
  return arguments;
}

settings::RunConfig read_run_config(const Words& words) {
  const Arguments arguments = read_run_arguments(words);
  return settings::load_run_config(arguments.config_file, arguments.overrides);
}

}  // namespace dtrain::cli
