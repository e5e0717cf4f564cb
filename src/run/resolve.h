// Settings that are left to the program.
#pragma once

#include "data/datasets/recognise.h"
#include "run/machine.h"
#include "settings/run_config.h"

namespace dtrain::run {

// Gives settings that mean "choose for me" a value, and notes the choice as its origin: those of
// the machine, and of the kind of data set and its splits. What the images decide follows when they
// are opened (data_choices.h). Returns what was recognised. Throws Error(kConfig) when the machine
// cannot do what is asked, such as cuda without a GPU, and what data::settle() throws.
data::Settled resolve(settings::RunConfig& config, const Machine& machine);

}  // namespace dtrain::run
