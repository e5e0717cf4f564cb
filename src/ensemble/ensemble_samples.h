// The samples that members will predict, looked at before any of them is trained.
#pragma once

#include <vector>

#include "ensemble/ensemble_config.h"

namespace dtrain::ensemble {

// Finds what would fail behind all trainings before the first one: a split that is not there, or
// one without labels where temperatures or weights are to be fitted. The split voted on needs no
// labels: accuracies are then left out. Members that are `done` are passed over. What only some
// members lack, such as their data, is their failure when their turn comes. Opens the data sets.
// Throws Error that names the setting of the ensemble, and a value that fits the data.
void expect_samples(const EnsembleConfig& config, const std::vector<bool>& done);

}  // namespace dtrain::ensemble
