// Sums gradients in one order that does not depend on how many ranks share the work.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dist/gradient_sync.h"
#include "dist/process_group.h"

namespace dtrain::dist {

// The reduction of the deterministic world (docs/distributed.md). The global batch is cut into V
// virtual shards; a rank holds a run of them, rank 0 the first ones, and for each the gradients it
// gave. p.grad() becomes ((g_0 + g_1) + g_2) + ... over all shards: the same bits for any number of
// ranks, where a ring all-reduce adds in an order that depends on it.
//
// Every rank owns a part of the parameters' values, gets it from every shard, adds up, and hands
// out the sum: as many bytes as a ring of V ranks would send. Nothing is sent before the backward
// pass has ended.
class OrderedReducer : public GradientSync {
 public:
  // `shards[s][i]` shares its memory with `parameters[i]` and is a leaf that receives the gradient
  // of local shard s. All are of one dtype and device. Collective.
  OrderedReducer(std::vector<at::Tensor> parameters,
                 std::vector<std::vector<at::Tensor>> shards,
                 const ProcessGroup& group);

  void zero_grad() override;
  void prepare_forward() override {}
  void backward(const at::Tensor& loss) override;

 private:
  void reduce();
  at::Tensor exchange(const at::Tensor& mine) const;

  std::vector<at::Tensor> parameters_;
  std::vector<std::vector<at::Tensor>> shards_;
  ProcessGroup group_;
  std::vector<int64_t> shards_of_rank_;
  int64_t part_;      // values that each rank owns; the last rank's may reach beyond the end
  at::Tensor mine_;   // (local shards, ranks * part) gradients, in the memory order of parameters
  at::Tensor total_;  // (ranks * part); the gradients of parameters_ are views into it
};

}  // namespace dtrain::dist
