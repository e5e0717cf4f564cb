// Batch norm over channels, local or over the batches of all ranks, fused with what follows it.
//
//   y = relu((x - mean_c) / sqrt(var_c + eps) * weight_c + bias_c + residual)
//
// Ioffe & Szegedy 2015; names, defaults and running statistics as in torchvision's BatchNorm2d, so
// that checkpoints are interchangeable. On the CPU and in channels-last memory own kernels do all
// of it in one pass for the statistics and one for the rest, and backward likewise.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "dist/process_group.h"

namespace dtrain::nn {

class VirtualShards;

// Input (B, C, H, W), float, double, bfloat16 or float16 (as under autocast); parameters and
// buffers are float, or double for double input. The output has the dtype and memory format of the
// input.
//
// Training: normalises by the mean and the biased variance over B, H, W (of all ranks of the
// process group, if one is set) and moves the running statistics towards them, the variance
// unbiased. Evaluation: normalises by the running statistics; no communication.
//
// Statistics are exact to rounding whatever the mean (two passes over blocks that stay in cache,
// merged by Chan's formula), do not depend on the number of threads, and are the same bits on all
// ranks. Ranks may bring different batch sizes, also none.
//
// New: weight 1, bias 0, running mean 0, running variance 1. Throws Error(kData) if there is only
// one value per channel to train on.
class BatchNorm2dImpl : public torch::nn::Module {
 public:
  explicit BatchNorm2dImpl(int64_t channels, double momentum = 0.1, double eps = 1e-5);

  at::Tensor forward(const at::Tensor& x);

  // The fused form: adds `residual` if it is defined (shape and dtype of x), then clamps at zero if
  // `relu`. Changes neither argument.
  at::Tensor forward_add_relu(const at::Tensor& x, const at::Tensor& residual, bool relu);

  // Statistics over these ranks from now on; none, or a group of one: over the local batch.
  void set_process_group(std::optional<dist::ProcessGroup> group) { group_ = std::move(group); }

  // Statistics and gradients shard by shard, merged in order (virtual_shards.h).
  void set_virtual_shards(std::shared_ptr<VirtualShards> shards) { shards_ = std::move(shards); }

  double eps() const { return eps_; }

  at::Tensor weight, bias;                                    // (C)
  at::Tensor running_mean, running_var, num_batches_tracked;  // (C), (C), () int64

 private:
  double momentum_, eps_;
  std::optional<dist::ProcessGroup> group_;
  std::shared_ptr<VirtualShards> shards_;
};

// set_process_group on every batch norm inside the module.
void synchronise_batch_norm(torch::nn::Module& module, std::optional<dist::ProcessGroup> group);

}  // namespace dtrain::nn
