// The vote of an ensemble's members.
#pragma once

#include <string>
#include <vector>

#include "ensemble/ensemble_config.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::ensemble {

struct FailedMember {
  std::string name;
  Error error;
};

// Merges the members' predictions into <output>/vote.h5 and logs what the vote is worth. Members
// that failed are left out where ensemble.quorum allows it; otherwise throws the error of the first
// of them. On rank 0, once all members are trained.
void vote_ensemble(const EnsembleConfig& config,
                   const std::vector<FailedMember>& failed,
                   util::Log& log);

}  // namespace dtrain::ensemble
