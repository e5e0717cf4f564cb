// An ensemble in words, before anything is trained.
#pragma once

#include <string>

#include "ensemble/ensemble_config.h"

namespace dtrain::ensemble {

// The settings with their origins, and a table of the members: what sets each apart from the first,
// and its share of the cost.
std::string describe(const EnsembleConfig& config);

}  // namespace dtrain::ensemble
