// The autograd functions of BatchNorm2d, and the statistics over ranks they share.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <vector>

#include "dist/process_group.h"

namespace dtrain::nn::detail {

// What a batch norm is called with. The running statistics are read in evaluation and moved in
// training; `group` has more than one rank if it is set.
struct BatchNormCall {
  at::Tensor running_mean, running_var;
  bool training = false;
  bool relu = false;
  double momentum = 0.1;
  double eps = 1e-5;
  std::optional<dist::ProcessGroup> group;

  // Images of each local shard: normally one, the whole batch. Statistics are taken of each shard
  // and merged over the shards of all ranks in order.
  std::vector<int64_t> shard_sizes;
  // Shards of all ranks in the deterministic world, else 0. There the sums of the backward pass are
  // added in the same order too, and weight and bias are (local shards, C) with equal rows, each of
  // which gets the gradient of its shard.
  int64_t virtual_world = 0;
};

// Keeps of a call what the backward pass needs (not the running statistics), and gives it back.
void save_call(torch::autograd::AutogradContext& context, const BatchNormCall& call);
BatchNormCall saved_call(torch::autograd::AutogradContext& context);

// Own kernels: channels-last on the CPU, bfloat16, float or double.
bool has_fused_batch_norm(const at::Tensor& x,
                          const at::Tensor& weight,
                          const at::Tensor& residual);
at::Tensor fused_batch_norm(const at::Tensor& x,
                            const at::Tensor& weight,
                            const at::Tensor& bias,
                            const at::Tensor& residual,
                            const BatchNormCall& call);

// ATen operators: any device, dtype and memory format.
at::Tensor generic_batch_norm(const at::Tensor& x,
                              const at::Tensor& weight,
                              const at::Tensor& bias,
                              const at::Tensor& residual,
                              const BatchNormCall& call);

// LibTorch's kernels of synchronised batch norm, which exist for GPUs only: training in a group
// where at least one rank has images, without virtual shards. The host does not wait for the GPU.
bool has_native_batch_norm(const at::Tensor& x, const BatchNormCall& call);
at::Tensor native_batch_norm(const at::Tensor& x,
                             const at::Tensor& weight,
                             const at::Tensor& bias,
                             const at::Tensor& residual,
                             const BatchNormCall& call);

// The rows that a rank brings to gather_rows(): its shards, filled up to the most that any has.
int64_t rows_per_rank(const BatchNormCall& call);

// One row for each shard of all ranks, in order, from `mine` (rows_per_rank, ...).
at::Tensor gather_rows(const at::Tensor& mine, const BatchNormCall& call);

// Throws Error(kData) unless a variance can be taken over this many values.
void check_count(double count);

}  // namespace dtrain::nn::detail
