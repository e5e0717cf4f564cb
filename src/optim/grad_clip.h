// Limits the size of a step: gradient clipping by the global norm.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace dtrain::optim {

// Scales the gradients of `params` in place so that their common L2 norm is at most `max_norm` (0:
// leaves them as they are), and returns the norm before that: torch.nn.utils.clip_grad_norm_,
// factor max_norm / (norm + 1e-6) at most 1. Parameters without a gradient are left out. A NaN or
// infinite norm makes the gradients NaN or zero, as it does there; the returned value shows it. To
// be called after the reduction over ranks, when all ranks hold the same gradients. Waits for the
// device once.
double clip_grad_norm(const std::vector<at::Tensor>& params, double max_norm);

}  // namespace dtrain::optim
