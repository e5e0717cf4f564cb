// The buffers of replicas that change on each rank alone, made equal again.
//
//   BufferAverage average(*model, group);
//   optimizer.step();
//   average.run();   // collective
//
// Batch norm that is not synchronised normalises by the batch of its rank and moves that rank's
// running statistics. Training does not depend on them, but evaluation does, and then no two ranks
// would evaluate the same network. An update moves them linearly, so their mean over the ranks does
// not depend (but for rounding) on how often it is taken; after each update it keeps replicas
// comparable at any step. timm's --dist-bn reduce takes the same mean once an epoch; torch's DDP
// gives all ranks the statistics of rank 0.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <vector>

#include "dist/process_group.h"

namespace dtrain::dist {

// Holds the module's own tensors, not copies.
class BufferAverage {
 public:
  BufferAverage(const torch::nn::Module& module, ProcessGroup group);

  // Every rank gets the mean of each floating-point buffer, the same bits, and the largest of each
  // count, in one message for each type. Throws what ProcessGroup::all_reduce_sum throws.
  void run();

 private:
  ProcessGroup group_;
  std::vector<std::vector<at::Tensor>> by_type_;
};

}  // namespace dtrain::dist
