// The table of commands, and which one is meant.
#include "cli/commands.h"

#include <algorithm>
#include <filesystem>

#include "config/problems.h"
#include "util/check.h"

namespace dtrain::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"train",
       "[DATA] [CONFIG.json] [flags]",
       "Train a classifier. The command that is meant when the first word is a path or a flag.",
       /*uses_ranks=*/true,
       &run_train},
      {"doctor",
       "[DATA] [CONFIG.json] [flags]",
       "Check the set-up, under the launcher line of the run: cores, devices, folders, data, "
       "network.",
       /*uses_ranks=*/true,
       &run_doctor},
      {"inspect",
       "config [FILE] [flags] | checkpoint PATH | data SHEET.png [VIEWS] [flags] | options "
       "[--markdown]",
       "Print a configuration with the origin of each value, what a checkpoint holds, a sheet of "
       "augmented images, or all options.",
       /*uses_ranks=*/false,
       &run_inspect},
      {"verify-data",
       "[DATA] [CONFIG.json] [flags] [--json FILE]",
       "Decode all pictures of all splits and list what is wrong with them; exit code 65 if "
       "training would fail.",
       /*uses_ranks=*/false,
       &run_verify_data},
      {"pack",
       "DATA --output FILE [--size N] [--skip-bad] [CONFIG.json] [flags]",
       "Put a data set into one HDF5 file: its files as they are, or pixels of one size.",
       /*uses_ranks=*/false,
       &run_pack,
       &pack_flags},
      {"predict",
       "RUN_OR_CHECKPOINT [IMAGE, FOLDER or CSV ...] [flags]",
       "Write what a trained network says of every sample of a split, or print the likeliest "
       "classes of pictures.",
       /*uses_ranks=*/true,
       &run_predict,
       &predict_flags},
      {"ensemble",
       "ENSEMBLE.json [--member NAME] [flags]",
       "Train the members of an ensemble in parallel on groups of ranks; the same command goes on.",
       /*uses_ranks=*/true,
       &run_ensemble,
       &ensemble_flags},
      {"vote",
       "A.h5 B.h5 ... --output VOTE.h5 [flags]",
       "Merge predictions of several networks on the same samples, and say what it gains.",
       /*uses_ranks=*/false,
       &run_vote,
       &vote_flags},
      {"calibrate",
       "VALIDATION.h5_OR_RUN [flags]",
       "Fit the temperature that makes confidences right, on predictions of labelled samples, and "
       "keep it with the checkpoint.",
       /*uses_ranks=*/false,
       &run_calibrate,
       &calibrate_flags},
      {"evaluate",
       "A.h5_OR_RUN [B.h5_OR_RUN] [--output FOLDER] [--config FILE] [flags]",
       "Accuracy, scores of each class, confusions and calibration of predictions; of two files, "
       "what differs.",
       /*uses_ranks=*/false,
       &run_evaluate,
       &evaluate_flags},
      {"report",
       "RUN_OR_ENSEMBLE [--output PAGE.html] [flags]",
       "A page on a run or an ensemble that stands by itself: curves, confusions, calibration, "
       "hardest samples, members and votes.",
       /*uses_ranks=*/false,
       &run_report,
       &report_flags},
      {"help", "[command]", "Print this, or the flags of a command.", false, &run_help},
      {"version", "", "Print the version of dtrain and of LibTorch.", false, &run_version},
  };
  return table;
}

const Command* find_command(const std::string& name) {
  for (const Command& command : commands()) {
    if (name == command.name) return &command;
  }
  return nullptr;
}

Invocation parse_invocation(const Words& all) {
  if (all.empty()) {
    throw usage_error("command line", "no command and no flags", "`dtrain help` lists both");
  }
  if (all[0] == "--version") return {.command = find_command("version")};
  // `dtrain photos` and `dtrain food11.json` train, as flags alone do.
  const bool is_command = find_command(all[0]) != nullptr;
  const bool is_path =
      !is_command && (std::filesystem::exists(all[0]) || all[0].ends_with(".json") ||
                      all[0].find('/') != std::string::npos);
  const bool trains = all[0].starts_with('-') || is_path;
  const std::string name = trains ? "train" : all[0];
  const Command* command = find_command(name);
  if (command == nullptr) {
    std::vector<std::string> names;
    for (const Command& known : commands()) names.emplace_back(known.name);
    throw usage_error("command line",
                      "unknown command " + name + config::did_you_mean(name, names) +
                          ", nor is there such a file",
                      "`dtrain help` lists the commands");
  }
  Invocation out{.command = command, .words = all};
  if (!trains) {
    out.words.erase(out.words.begin());
    out.help_words = {name};
  }
  const auto end = std::find(out.words.begin(), out.words.end(), "--");
  out.wants_help = std::any_of(out.words.begin(), end, [](const std::string& word) {
    return word == "--help" || word == "-h";
  });
  return out;
}

}  // namespace dtrain::cli
