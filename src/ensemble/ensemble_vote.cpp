#include "ensemble/ensemble_vote.h"

#include <algorithm>
#include <thread>

#include "ensemble/ensemble_folder.h"
#include "inference/vote_weights.h"
#include "review/vote_report.h"

namespace dtrain::ensemble {
namespace {

namespace fs = std::filesystem;

struct Files {
  std::vector<fs::path> voted, validation;
};

bool has_failed(const std::vector<FailedMember>& failed, const std::string& name) {
  return std::any_of(
      failed.begin(), failed.end(), [&](const FailedMember& one) { return one.name == name; });
}

Files files_of(const EnsembleConfig& config, const std::vector<FailedMember>& failed) {
  Files files;
  for (const EnsembleMember& member : config.members) {
    if (has_failed(failed, member.name)) continue;
    for (const MemberPredictions& one : predictions_of(config, member)) {
      files.voted.push_back(one.voted);
      files.validation.push_back(one.validation);
    }
  }
  return files;
}

inference::VoteOptions options_of(const EnsembleSection& ensemble, const Files& files) {
  inference::VoteOptions options;
  options.rule = inference::vote_rule(ensemble.vote);
  options.threads = std::max<int64_t>(1, std::thread::hardware_concurrency());
  if (ensemble.weights == "equal") return options;
  options.rule = inference::VoteRule::kWeighted;
  options.weights = ensemble.weights == "accuracy"
                        ? inference::accuracy_weights(files.validation)
                        : inference::fitted_weights(files.validation).weights;
  return options;
}

}  // namespace

void vote_ensemble(const EnsembleConfig& config,
                   const std::vector<FailedMember>& failed,
                   util::Log& log) {
  const EnsembleSection& ensemble = config.ensemble;
  const auto left = int64_t(config.members.size() - failed.size());
  if (!failed.empty() && (ensemble.quorum == 0 || left < ensemble.quorum)) {
    throw failed.front().error;
  }
  for (const FailedMember& one : failed) {
    log.warning("the vote goes without " + one.name + ": " + one.error.what());
  }
  const Files files = files_of(config, failed);
  const fs::path output = fs::path(ensemble.output) / "vote.h5";
  review::log_vote(inference::vote_files(files.voted, output, options_of(ensemble, files)),
                   output.string(),
                   log);
}

}  // namespace dtrain::ensemble
