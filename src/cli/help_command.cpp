// dtrain help, and dtrain version.
#include <torch/version.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "cli/flags.h"
#include "config/describe.h"
#include "device/device.h"
#include "settings/run_config.h"
#include "util/check.h"
#include "util/version.h"

namespace dtrain::cli {
namespace {

static_assert(std::string_view(util::kVersion) == DTRAIN_VERSION,
              "util/version.h and CMakeLists.txt state the same version");

constexpr const char* kFlagRules =
    "\n"
    "Every flag sets a field of the configuration; precedence: default < config file < command "
    "line.\n"
    "Any field has the flag --section.key. In names '-' and '_' are the same. Switches take no "
    "value,\n"
    "or True or False, or are turned off by --no-NAME. Lists are written 1,2,3.\n"
    "\n"
    "  --config FILE                   JSON file with settings, in sections as below.\n"
    "  --set section.key=value         Set any field; may be given several times.\n"
    "  -h, --help                      Print this.\n"
    "  --version                       Print versions.\n";

constexpr const char* kRankFlags =
    "  --gpus N                        Start N ranks on this machine, one per GPU; all: every "
    "GPU.\n"
    "  --ranks N                       Start N ranks on this machine.\n";

std::string usage_lines() {
  std::string out = "dtrain trains image classifiers on one or many processes.\n\n";
  out += "Usage: dtrain --config FILE [flags]              one process\n";
  out +=
      "       dtrain --gpus N --config FILE [flags]     N processes of this machine, one model\n";
  out += "       mpirun -np N dtrain --config FILE [flags] the same, also on several machines\n\n";
  for (const Command& command : commands()) {
    out += "  dtrain " + std::string(command.name) + " " + command.usage + "\n      " +
           command.summary + "\n";
  }
  return out;
}

}  // namespace

int run_help(const Words& words, dist::MpiScope*) {
  if (words.size() > 1) {
    throw usage_error("dtrain help", "takes one command", "`dtrain help train`, for example");
  }
  if (!words.empty() && find_command(words[0]) == nullptr) parse_invocation(words);  // throws
  std::string text;
  const Command* command = words.empty() ? nullptr : find_command(words[0]);
  if (command == nullptr) {
    text = usage_lines();
  } else {
    text = "dtrain " + std::string(command->name) + " " + command->usage + "\n" + command->summary +
           "\n";
  }
  for (const Command& one : commands()) {
    if (one.own_flags == nullptr || (command != nullptr && command != &one)) continue;
    text += "\nFlags of dtrain " + std::string(one.name) + ":\n" + one.own_flags();
  }
  const bool has_flags = command == nullptr || command->run == &run_train;
  if (has_flags) {
    settings::RunConfig defaults;
    text += std::string(kFlagRules) + kRankFlags +
            config::help_text(config::collect(defaults), &flags_of);
  } else if (command->uses_ranks) {
    text += std::string("\nRanks:\n") + kRankFlags;
  }
  std::fputs(text.c_str(), stdout);
  return 0;
}

int run_version(const Words&, dist::MpiScope*) {
  const char* flavour = device::supports_gpus() ? "GPU and CPU" : "CPU only";
  std::printf("dtrain %s (LibTorch %s, %s), build %s\n",
              util::kVersion,
              TORCH_VERSION,
              flavour,
              util::build_id().c_str());
  return 0;
}

}  // namespace dtrain::cli
