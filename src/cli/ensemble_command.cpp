// dtrain ensemble.
#include <charconv>

#include "cli/command_settings.h"
#include "cli/commands.h"
#include "ensemble/ensemble_reader.h"
#include "ensemble/ensemble_run.h"
#include "util/check.h"
#include "util/signals.h"
#include "util/text.h"

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
    "SLURM array. Its name, or its number in the order of the file, from 0.");
}

namespace {

struct EnsembleRequest {
  ensemble::EnsembleConfig config;
  std::string member;
};

// The member's name for its name or number, so that a task of an array need not know the names.
std::string name_of_member(const ensemble::EnsembleConfig& config, const std::string& member) {
  for (const ensemble::EnsembleMember& one : config.members) {
    if (one.name == member) return member;
  }
  size_t number = 0;
  const char* end = member.data() + member.size();
  const auto [stop, error] = std::from_chars(member.data(), end, number);
  if (error == std::errc() && stop == end && number < config.members.size()) {
    return config.members[number].name;
  }
  const std::string names =
      util::joined(config.members, ", ", [](const auto& one) { return one.name; });
  throw usage_error(
      "--member",
      "there is no member " + member,
      "there are " + names + ", or 0 to " + std::to_string(config.members.size() - 1));
}

EnsembleRequest read_ensemble_request(const Words& words) {
  CommandSettings<EnsembleSettings> settings;
  Arguments arguments = parse_arguments(words, config::collect(settings));
  if (arguments.config_file.empty() && arguments.positionals.size() == 1) {
    arguments.config_file = arguments.positionals[0];
    arguments.positionals.clear();
  }
  if (arguments.config_file.empty() || !arguments.positionals.empty()) {
    throw usage_error("dtrain ensemble",
                      arguments.config_file.empty()
                          ? "no --config"
                          : "stray argument " + util::quoted(arguments.positionals[0]),
                      "usage: dtrain ensemble --config ensemble.json [flags]");
  }
  EnsembleRequest request;
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
  if (!request.member.empty()) {
    request.member = name_of_member(request.config, request.member);
  }
  return request;
}

}  // namespace

std::string ensemble_flags() { return own_flags<EnsembleSettings>(); }

int run_ensemble(const Words& words, dist::MpiScope* mpi) {
  check(mpi != nullptr, "MPI is started before a command that uses ranks");
  util::watch_stop_signals();
  const EnsembleRequest request =
      dist::together(*mpi, [&] { return read_ensemble_request(words); });
  const auto outcome = ensemble::run_ensemble(request.config, request.member, *mpi);
  return outcome == run::Outcome::kPreempted ? int(ExitCode::kRetry) : 0;
}

}  // namespace dtrain::cli
