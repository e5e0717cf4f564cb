// Settings that a machine decides.
#pragma once

#include "run/machine.h"
#include "settings/run_config.h"

namespace dtrain::run {

// Gives every setting that means "choose for me" a value, and notes the choice as its origin. What
// depends on the data (channels, classes, normalisation) is left to the components. Throws
// Error(kConfig) when the machine cannot do what is asked, such as cuda without a GPU.
void resolve(settings::RunConfig& config, const Machine& machine);

}  // namespace dtrain::run
