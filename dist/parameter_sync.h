// Replicas start equal and stay equal.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <utility>
#include <vector>

#include "dist/process_group.h"

namespace dtrain::dist {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Parameters and buffers, by name. The tensors are the module's own, not copies.
NamedTensors state_of(const torch::nn::Module& module);

// Every rank gets rank 0's values; in few large messages. Collective.
void broadcast_tensors(const std::vector<at::Tensor>& tensors, const ProcessGroup& group);
void broadcast_module(torch::nn::Module& module, const ProcessGroup& group);

// Compares a digest of each tensor (bits, shape, dtype) over the ranks. Collective. If they differ,
// rank 0 throws Error(kDiverged) naming the first tensor and a rank that is not with the majority
// (where there is none, as with two ranks: two ranks that differ), and the other ranks throw
// PeerFailed.
void check_replicas_equal(const NamedTensors& tensors, const ProcessGroup& group);
void check_replicas_equal(const torch::nn::Module& module, const ProcessGroup& group);

}  // namespace dtrain::dist
