// A new training that starts from weights of another one.
#pragma once

#include <string>

#include "nn/classifier.h"
#include "settings/run_config.h"

namespace dtrain::run {

// Gives `model` the weights that model.initial_checkpoint names: those that a checkpoint was
// evaluated with (checkpoint::find_checkpoint()), or a .safetensors file. Names must be the same,
// shapes too but for the last layer, which stays fresh where the number of classes differs.
// Floating types are converted. Returns a line that says so. Called on rank 0, before the others
// get its weights. Throws Error(kConfig) that lists what differs, Error(kIo).
std::string load_initial_weights(const settings::RunConfig& config, nn::Classifier& model);

}  // namespace dtrain::run
