#include "ensemble/ensemble_vote.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "ensemble/ensemble_folder.h"
#include "predictions/vote_validation.h"
#include "report/calibration_report.h"
#include "report/cross_validation_text.h"
#include "report/ensemble_page.h"
#include "report/vote_record.h"
#include "report/vote_report.h"
#include "util/atomic_file.h"

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

// Why the vote cannot be calibrated; empty: it can.
std::string uncalibrated_because(const EnsembleConfig& config) {
  if (config.ensemble.validation == "none") return "there are no validation samples";
  for (const EnsembleMember& member : config.members) {
    if (validates_apart(config.ensemble, member)) continue;
    return member.name +
           " was evaluated on the samples that are voted on (data.holdout keeps some "
           "of the training samples apart)";
  }
  return different_validation(config);
}

// Of each member with folds, unless one of them failed.
std::vector<predictions::CrossValidation> cross_validations_of(
    const EnsembleConfig& config, const std::vector<FailedMember>& failed) {
  if (config.ensemble.validation != "eval") return {};
  std::map<std::string, std::vector<fs::path>> held_out;
  std::set<std::string> incomplete;
  for (const EnsembleMember& member : config.members) {
    if (member.cross_validation.empty()) continue;
    if (has_failed(failed, member.name)) incomplete.insert(member.cross_validation);
    // The last snapshot is the training's end.
    held_out[member.cross_validation].push_back(predictions_of(config, member).back().validation);
  }
  std::vector<predictions::CrossValidation> all;
  for (const auto& [name, files] : held_out) {
    if (!incomplete.contains(name)) all.push_back(predictions::cross_validate(name, files));
  }
  return all;
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
  const Files files = files_of(config, failed);
  const EnsembleFolder folder{ensemble.output};
  predictions::VoteOptions options;
  options.rule = predictions::vote_rule(ensemble.vote);
  options.threads = std::max<int64_t>(1, std::thread::hardware_concurrency());
  const std::string obstacle = uncalibrated_because(config);
  const bool calibrates = ensemble.calibrate && obstacle.empty();
  std::optional<predictions::CalibrationReport> calibration;
  if (calibrates || ensemble.weights != "equal") {
    calibration = predictions::prepare_vote(files.voted,
                                            files.validation,
                                            folder.validation_vote(),
                                            {.weights = ensemble.weights, .calibrate = calibrates},
                                            options);
  } else if (ensemble.calibrate) {
    log.info("The vote is not calibrated: " + obstacle);
  }
  report::expect_replaceable_record(folder.vote());
  auto result = predictions::vote_files(files.voted, folder.vote(), options);
  for (const FailedMember& one : failed) {
    result.missing.push_back({folder.path / "members" / one.name, one.error.what()});
  }
  const auto cross_validations = cross_validations_of(config, failed);
  report::write_vote_record(folder.vote(), {result, calibration, cross_validations});
  report::log_vote(result, folder.vote().string(), log);
  if (calibration) report::log_calibration(*calibration, "The vote", log);
  for (const auto& one : cross_validations) log.info(report::cross_validation_text(one));
  util::write_file_atomic(folder.report(), report::ensemble_page(folder.vote(), {}).text());
  log.info("Report: " + folder.report().string());
}

}  // namespace dtrain::ensemble
