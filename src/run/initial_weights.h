// A new training that starts from weights of another one.
#pragma once

#include <string>
#include <vector>

#include "dist/mpi_scope.h"
#include "nn/classifier.h"
#include "settings/run_config.h"

namespace dtrain::run {

// Puts the path of the checkpoint in place of `best`, `last` or a run in model.initial_checkpoint,
// so that config.json still says where the weights came from when there are newer runs.
// Collective: rank 0 looks. Throws Error(kIo).
void name_initial_checkpoint(settings::RunConfig& config, const dist::MpiScope& mpi);

// Gives `model` the weights that model.initial_checkpoint names: those that a checkpoint was
// evaluated with (checkpoint::find_checkpoint()), or a .safetensors file. Names must be the same,
// shapes too but for the last layer, which stays fresh where classes differ in number or names.
// Floating types are converted. Returns a line that says so. Called on rank 0, before the others
// get its weights. Throws Error(kConfig) that lists what differs, Error(kIo).
std::string load_initial_weights(const settings::RunConfig& config,
                                 const std::vector<std::string>& class_names,
                                 nn::Classifier& model);

}  // namespace dtrain::run
