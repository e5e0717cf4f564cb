#include "predictions/vote_validation.h"

#include "predictions/vote_weights.h"
#include "util/check.h"

namespace dtrain::predictions {
namespace {

namespace fs = std::filesystem;

// Members that are there, and what belongs to them.
struct Present {
  std::vector<size_t> places;  // among all members
  std::vector<fs::path> validation;
  std::vector<double> temperatures;  // of the voted files
};

void expect_fits(const PredictionsFile& member, const PredictionsFile& apart) {
  const auto refuse = [&](const std::string& cause, const std::string& advice) {
    return data_error(
        "validation " + apart.path().string() + " of " + member.path().string(), cause, advice);
  };
  if (member.header().model_fingerprint != apart.header().model_fingerprint) {
    throw refuse("they are predictions by different weights",
                 "name the files of one member at the same place in both lists");
  }
  if (member.header().data_fingerprint == apart.header().data_fingerprint &&
      member.index().ids == apart.index().ids) {
    throw refuse("both hold the same samples: what is fitted on them would look better than it is",
                 "predict other samples; data.holdout keeps some of the training split apart");
  }
}

// With a quorum, members of which a file cannot be read are left out, and `obstacles` says why.
Present open_present(const std::vector<fs::path>& voted,
                     const std::vector<fs::path>& validation,
                     bool has_quorum,
                     std::vector<std::string>& obstacles) {
  check(voted.size() == validation.size(), "each member has a validation file");
  if (has_quorum) obstacles.assign(voted.size(), "");
  Present present;
  for (size_t i = 0; i < voted.size(); ++i) {
    std::optional<PredictionsFile> member, apart;
    if (has_quorum) {
      member = open_whole(voted[i], &obstacles[i]);
      if (member) apart = open_whole(validation[i], &obstacles[i]);
      if (!apart) continue;
    } else {
      member = PredictionsFile(voted[i]);
      apart = PredictionsFile(validation[i]);
    }
    expect_fits(*member, *apart);
    present.places.push_back(i);
    present.validation.push_back(validation[i]);
    present.temperatures.push_back(member->header().temperature);
  }
  return present;
}

}  // namespace

std::optional<CalibrationReport> prepare_vote(const std::vector<fs::path>& voted,
                                              const std::vector<fs::path>& validation,
                                              const fs::path& validation_vote,
                                              const VotePreparation& preparation,
                                              VoteOptions& options) {
  const Present present = open_present(voted, validation, options.quorum > 0, options.obstacles);
  // vote_files() refuses these, and names what is missing.
  const auto there = int64_t(present.places.size());
  if (there == 0 || there < options.quorum) return std::nullopt;
  VoteOptions of_validation = options;
  of_validation.quorum = 0;
  of_validation.obstacles.clear();
  of_validation.temperatures = present.temperatures;
  if (preparation.weights != "equal") {
    of_validation.rule = options.rule = VoteRule::kWeighted;
    of_validation.weights = preparation.weights == "accuracy"
                                ? accuracy_weights(present.validation)
                                : fitted_weights(present.validation, present.temperatures).weights;
    options.weights.assign(voted.size(), 0);
    for (size_t i = 0; i < present.places.size(); ++i) {
      options.weights[present.places[i]] = of_validation.weights[i];
    }
  } else if (!options.weights.empty()) {
    of_validation.weights.clear();
    for (const size_t place : present.places) {
      of_validation.weights.push_back(options.weights[place]);
    }
  }
  if (!preparation.calibrate) return std::nullopt;
  vote_files(present.validation, validation_vote, of_validation);
  const CalibrationReport report =
      calibrate(read_labelled(validation_vote), preparation.seed, options.threads);
  options.temperature = report.fit.temperature;
  return report;
}

}  // namespace dtrain::predictions
