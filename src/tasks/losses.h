// Losses from logits and targets.
#pragma once

#include <ATen/core/Tensor.h>

namespace dtrain::tasks {

// Cross entropy of logits (B, K) against class indices (B), summed over the batch, a scalar. The
// target distribution is (1 - label_smoothing) on the class plus label_smoothing / K on every class
// (Szegedy et al. 2015, arXiv:1512.00567), as torch.nn.CrossEntropyLoss(reduction="sum").
//
// Computed in float32, also under autocast, or in float64 where the logits are. For B = 0 it is 0
// with zero gradients, so that a rank without samples takes part in the backward pass as any other.
at::Tensor cross_entropy(const at::Tensor& logits,
                         const at::Tensor& targets,
                         double label_smoothing);

}  // namespace dtrain::tasks
