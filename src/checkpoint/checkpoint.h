// Checkpoints of tensors: what a training needs to go on, and what Python needs to use the weights.
//
//   CheckpointStore store(run / "checkpoints", config);              // on rank 0
//   save_checkpoint(store, {.weights = ..., .state = ..., .position = ..., .meta = ...}, is_best);
//   CheckpointData data = load_checkpoint(run / "checkpoints/last");
//   copy_tensors(data.weights[0].tensors, dist::state_of(*model), "checkpoint");
//
// docs/checkpoint_format.md is the page on the format. In Python:
//   model.load_state_dict(safetensors.torch.load_file(".../checkpoints/best/model.safetensors"))
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint_folder.h"
#include "config/json.h"
#include "state/stateful.h"

namespace dtrain::checkpoint {

using state::NamedTensors;

// Parameters and buffers of a network, names as in torchvision; of an average those of its model.
struct WeightSet {
  std::string name;
  NamedTensors tensors;
};
inline constexpr const char* kModelWeights = "model";
// Stands for those that the training evaluated: its average, or the model where it keeps none.
inline constexpr const char* kEvaluatedWeights = "evaluated";

struct CheckpointData {
  std::vector<WeightSet> weights;  // "model", and averages of it
  NamedTensors state;              // whatever else the training wants back, bit for bit
  Position position;
  config::Json meta;  // NaN and infinity become null in JSON: leave such numbers out
};

// Writes a checkpoint as CheckpointStore::save() says. Tensors may lie on any device and in any
// memory order; they are stored row-major, one at a time. Throws Error(kData) before writing
// anything if check_finite is set and a tensor holds NaN or infinity, Error(kIo) if it cannot be
// written.
CheckpointStore::Saved save_checkpoint(CheckpointStore& store,
                                       const CheckpointData& data,
                                       bool is_best);

// Reads a checkpoint (or a link to one) into contiguous CPU tensors, every file checked against the
// checksum of the manifest before anything is returned. Error(kIo) names the file and what is
// wrong.
CheckpointData load_checkpoint(const std::filesystem::path& checkpoint);

// The set of that name, null where there is none.
const NamedTensors* weights_named(const CheckpointData& data, const std::string& name);

// What inference needs of a checkpoint.
struct Weights {
  std::string name;  // "model", "ema"
  NamedTensors tensors;
  std::string fingerprint;  // checksum of the file
};
// As load_checkpoint() for one set of weights, by name or kEvaluatedWeights. Error(kConfig) that
// lists those that there are.
Weights load_weights(const std::filesystem::path& checkpoint, const std::string& name);

// The tensors of one safetensors file, from anywhere.
NamedTensors load_safetensors(const std::filesystem::path& path);

// Copies the values of `from` into the tensors of `to`, which keep memory order and device. The
// names must be the same in any order, as must shapes and types; otherwise Error(kConfig) lists
// what differs and nothing is copied. `subject` is what the message calls the source.
void copy_tensors(const NamedTensors& from, const NamedTensors& to, const std::string& subject);

}  // namespace dtrain::checkpoint
