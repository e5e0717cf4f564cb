// The commands of dtrain: one row in a table and one file each.
#pragma once

#include <string>
#include <vector>

#include "dist/mpi_scope.h"

namespace dtrain::cli {

using Words = std::vector<std::string>;

struct Command {
  const char* name;
  const char* usage;    // what follows the name: "--config FILE [flags]"
  const char* summary;  // one line of `dtrain help`
  // Whether the command works with several ranks: then MPI is started before it runs, and `mpi` is
  // set.
  bool uses_ranks;
  // Runs the command on the words behind its name and returns the exit code; throws Error.
  int (*run)(const Words& words, dist::MpiScope* mpi);
  // Its own flags, beside those of a run, as `dtrain help` prints them; nullptr: none.
  std::string (*own_flags)() = nullptr;
};

const std::vector<Command>& commands();

// nullptr when there is none of that name.
const Command* find_command(const std::string& name);

// What was asked for: the command of the first word, or `train` when that is a flag. Throws
// Error(kUsage) that names the nearest command.
struct Invocation {
  const Command* command = nullptr;
  Words words = {};
  bool wants_help = false;  // --help or -h is among the words
  Words help_words = {};    // what to give help on; nothing: everything
};
Invocation parse_invocation(const Words& all);

int run_train(const Words& words, dist::MpiScope* mpi);
int run_doctor(const Words& words, dist::MpiScope* mpi);
int run_inspect(const Words& words, dist::MpiScope* mpi);
int run_verify_data(const Words& words, dist::MpiScope* mpi);
int run_pack(const Words& words, dist::MpiScope* mpi);
int run_ensemble(const Words& words, dist::MpiScope* mpi);
int run_predict(const Words& words, dist::MpiScope* mpi);
int run_calibrate(const Words& words, dist::MpiScope* mpi);
int run_evaluate(const Words& words, dist::MpiScope* mpi);
int run_report(const Words& words, dist::MpiScope* mpi);
int run_vote(const Words& words, dist::MpiScope* mpi);
std::string pack_flags();
std::string predict_flags();
std::string ensemble_flags();
std::string vote_flags();
std::string calibrate_flags();
std::string report_flags();
std::string evaluate_flags();

int run_help(const Words& words, dist::MpiScope* mpi);
int run_version(const Words& words, dist::MpiScope* mpi);

}  // namespace dtrain::cli
