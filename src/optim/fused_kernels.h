// The calls into ATen's fused optimizer kernels. Their signatures are internal to ATen and may
// change with its version: they stand here and nowhere else.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "optim/optimizer_config.h"
#include "optim/param_groups.h"

namespace dtrain::optim {

// The gradients of a group, each in the memory layout of its parameter. Throws where one is
// missing.
//
// Note [Layouts of fused kernels]
// The CPU kernels walk parameter, gradient and state as flat arrays and never look at strides: a
// gradient laid out otherwise than its parameter gives wrong numbers without an error. A layout
// that differs is therefore copied here; autograd and the reducer's buckets keep the parameter's,
// so nothing is copied in training. State is made with zeros_like, which keeps it too.
std::vector<at::Tensor> gradients(const ParamGroup& group);

// Momentum buffers start as zeros, so that the first step is like any other: buffer = 0 * momentum
// + grad.
void fused_sgd(const ParamGroup& group,
               const std::vector<at::Tensor>& grads,
               const std::vector<at::Tensor>& momentum_buffers,
               const OptimizerConfig& config);

// `step` is a float scalar, the number of this update counted from one.
void fused_adamw(const ParamGroup& group,
                 const std::vector<at::Tensor>& grads,
                 const std::vector<at::Tensor>& exp_avg,
                 const std::vector<at::Tensor>& exp_avg_sq,
                 const at::Tensor& step,
                 const OptimizerConfig& config);

}  // namespace dtrain::optim
