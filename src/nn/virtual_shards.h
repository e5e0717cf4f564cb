// The layers' side of the deterministic world: a batch in shards that do not know of each other.
//
// Note [Deterministic world]
// What a layer computes for one sample can depend, in its last bits, on how many samples it is
// given at once, and so can the order in which a weight's gradient is added up. So the global batch
// is cut into V virtual shards, whatever the number of ranks, and a layer with weights runs each
// shard by itself: the same call with the same values on any rank. Each shard has leaves of its own
// for the parameters, which share the parameters' memory, so that gradients stay apart until
// dist::OrderedReducer adds them in order; batch norm merges the statistics of the shards in order.
// What works element by element (ReLU, adding, pooling of one sample) takes the batch as a whole.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace dtrain::nn {

// The shards that one rank plays: `rank` of `ranks` a run of those of `world` virtual ranks, rank 0
// the first ones, as evenly as it goes. Made once for a model in its final dtype, device and memory
// order; must outlive its training.
class VirtualShards {
 public:
  VirtualShards(int64_t world, int64_t rank, int64_t ranks);

  int64_t world() const { return world_; }
  int64_t count() const { return end_ - first_; }  // on this rank, at least 1

  // Before each batch of `global_size` samples over all ranks.
  void start_batch(int64_t global_size);
  const std::vector<int64_t>& sizes() const { return sizes_; }  // of the local shards; may be 0

  // Leaves for the parameters of `module`, by shard and in the module's order.
  void adopt(const torch::nn::Module& module);
  const std::vector<std::vector<at::Tensor>>& leaves() const { return leaves_; }
  const at::Tensor& leaf(const at::Tensor& parameter, int64_t shard) const;

  // The leaves of a parameter (C), as (count, C); its gradient goes back to them row by row.
  at::Tensor stacked(const at::Tensor& parameter) const;

  // Joins f(rows of x that belong to shard s, s) for all local shards.
  template <class F>
  at::Tensor for_each(const at::Tensor& x, F f) const {
    if (count() == 1) return f(x, int64_t(0));
    const std::vector<at::Tensor> parts = x.split_with_sizes(sizes_);
    std::vector<at::Tensor> results;
    for (size_t s = 0; s < parts.size(); ++s) results.push_back(f(parts[s], int64_t(s)));
    return at::cat(results);
  }

 private:
  int64_t world_, first_, end_;
  std::vector<int64_t> sizes_;
  std::vector<std::vector<at::Tensor>> leaves_;
  std::unordered_map<const at::TensorImpl*, size_t>
      index_;  // of a parameter in each shard's leaves
};

// From now on the training passes of every layer inside the module run shard by shard; evaluation
// stays as it was.
void set_virtual_shards(torch::nn::Module& module, const std::shared_ptr<VirtualShards>& shards);

}  // namespace dtrain::nn
