// dtrain ensemble.
#include <algorithm>

#include "cli/command_settings.h"
#include "cli/commands.h"
#include "ensemble/ensemble_run.h"
#include "util/check.h"

namespace dtrain::cli {

struct EnsembleSettings {
  ensemble::EnsembleSection ensemble;
  std::string member;
};

template <class V>
void fields(V& v, EnsembleSettings& c) {
  v("ensemble", c.ensemble, "The ensemble.");
  v("member",
    c.member,
    "Train this member alone, with all ranks as its group, and do not vote: for the tasks of a "
    "SLURM "
    "array.");
}

namespace {

struct Request {
  ensemble::EnsembleConfig config;
  std::string member;
};

Request read_request(const Words& words) {
  CommandSettings<EnsembleSettings> settings;
  const Arguments arguments = parse_arguments(words, config::collect(settings));
  if (arguments.config_file.empty() || !arguments.positionals.empty()) {
    throw usage_error("dtrain ensemble",
                      arguments.config_file.empty()
                          ? "no --config"
                          : "stray argument \"" + arguments.positionals[0] + "\"",
                      "usage: dtrain ensemble --config ensemble.json [flags]");
  }
  Request request;
  std::vector<config::Override> overrides;
  for (config::Override setting : arguments.overrides) {
    if (setting.path == "member") {
      request.member = setting.text;
      continue;
    }
    if (setting.path == "run.output") setting.path = "ensemble.output";
    overrides.push_back(std::move(setting));
  }
  request.config = ensemble::load_ensemble_config(arguments.config_file, overrides);
  if (request.member.empty()) return request;
  std::string names;
  for (const ensemble::EnsembleMember& member : request.config.members) {
    if (member.name == request.member) return request;
    names += (names.empty() ? "" : ", ") + member.name;
  }
  throw usage_error("--member", "there is no member " + request.member, "there are " + names);
}

}  // namespace

std::string ensemble_flags() { return own_flags<EnsembleSettings>(); }

int run_ensemble(const Words& words, dist::MpiScope* mpi) {
  check(mpi != nullptr, "MPI is started before a command that uses ranks");
  const Request request = dist::together(*mpi, [&] { return read_request(words); });
  ensemble::run_ensemble(request.config, request.member, *mpi);
  return 0;
}

}  // namespace dtrain::cli
