// Checkpoints of tensors: what a training needs to go on, and what Python needs to use the weights.
//
//   CheckpointStore store(run / "checkpoints", config);              // on rank 0
//   save_checkpoint(store, {.model = ..., .state = ..., .position = ..., .meta = ...}, is_best);
//   CheckpointData data = load_checkpoint(run / "checkpoints/last");
//   copy_tensors(data.model, dist::state_of(*model), "checkpoint");
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
#include "dist/parameter_sync.h"

namespace dtrain::checkpoint {

using dist::NamedTensors;

struct CheckpointData {
  NamedTensors model;  // parameters and buffers, names as in torchvision
  NamedTensors ema;    // their moving average under the same names; empty: there is none
  NamedTensors
      state;  // optimizer, loader, metric sums ...: whatever the trainer wants back, bit for bit
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

// What inference needs of a checkpoint: the weights, or their moving average.
struct Weights {
  NamedTensors tensors;
  std::string fingerprint;  // checksum of the file
};
// As load_checkpoint() for that one file. Error(kConfig) for an average that there is none of.
Weights load_weights(const std::filesystem::path& checkpoint, bool ema);

// The tensors of one safetensors file, from anywhere.
NamedTensors load_safetensors(const std::filesystem::path& path);

// Copies the values of `from` into the tensors of `to`, which keep memory order and device. The
// names must be the same in any order, as must shapes and types; otherwise Error(kConfig) lists
// what differs and nothing is copied. `subject` is what the message calls the source.
void copy_tensors(const NamedTensors& from, const NamedTensors& to, const std::string& subject);

}  // namespace dtrain::checkpoint
