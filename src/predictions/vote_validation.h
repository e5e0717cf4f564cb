// What a vote takes from its members' predictions of validation samples: their weights, and the
// temperature of the vote itself.
//
//   VoteOptions options{.rule = VoteRule::kSoft, .threads = 2};
//   const auto found = prepare_vote(voted, validation, "vote-validation.h5",
//                                   {.weights = "fitted", .calibrate = true}, options);
//   vote_files(voted, "vote.h5", options);
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "predictions/calibration.h"
#include "predictions/vote_files.h"

namespace dtrain::predictions {

struct VotePreparation {
  std::string weights = "equal";  // or "accuracy", "fitted": of a soft vote
  bool calibrate = false;
  uint64_t seed = 0;  // of the halves that the calibration is reported on
};

// Sets the weights (by way of VoteRule::kWeighted) and the temperature in `options`, from one file
// of `validation` for each of `voted`. With a quorum all files are read once for their checksums,
// and members of which one is damaged or not there are left out, of the vote too: it stands in
// `options.obstacles`. Each member's logits are divided by the temperature of its voted file. With
// `calibrate` the vote of the validation samples is written to `validation_vote`, and what is
// returned is how calibrated it is.
//
// Throws Error(kData) where a validation file is of other weights than the voted one, or of the
// samples that are voted on, which would make the result look better than it is; and what
// vote_files(), fitted_weights() and read_labelled() throw.
std::optional<CalibrationReport> prepare_vote(const std::vector<std::filesystem::path>& voted,
                                              const std::vector<std::filesystem::path>& validation,
                                              const std::filesystem::path& validation_vote,
                                              const VotePreparation& preparation,
                                              VoteOptions& options);

}  // namespace dtrain::predictions
