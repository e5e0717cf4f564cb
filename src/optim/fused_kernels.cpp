// The calls into ATen's fused optimizer kernels.
#include "optim/fused_kernels.h"

#include <ATen/ATen.h>

#include "util/check.h"

namespace dtrain::optim {
namespace {

// Strides of dimensions of size one say nothing about where elements lie.
bool same_layout(const at::Tensor& a, const at::Tensor& b) {
  for (int64_t d = 0; d < a.dim(); ++d) {
    if (a.size(d) != 1 && a.stride(d) != b.stride(d)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::vector<at::Tensor> gradients(const ParamGroup& group) {
  std::vector<at::Tensor> grads;
  grads.reserve(group.params.size());
  for (size_t i = 0; i < group.params.size(); ++i) {
    const at::Tensor& param = group.params[i];
    const at::Tensor& grad = param.grad();
    if (!grad.defined()) {
      throw Error(ExitCode::kGaveUp,
                  "parameter '" + group.names[i] + "'",
                  "it has no gradient",
                  "check that the loss depends on it");
    }
    grads.push_back(same_layout(grad, param) ? grad : at::empty_like(param).copy_(grad));
  }
  return grads;
}

void fused_sgd(const ParamGroup& group,
               const std::vector<at::Tensor>& grads,
               const std::vector<at::Tensor>& momentum_buffers,
               const OptimizerConfig& config) {
  at::_fused_sgd_(group.params,
                  grads,
                  momentum_buffers,
                  group.weight_decay,
                  config.momentum,
                  group.lr,
                  /*dampening=*/0.0,
                  config.nesterov,
                  /*maximize=*/false,
                  /*is_first_step=*/false);
}

void fused_adamw(const ParamGroup& group,
                 const std::vector<at::Tensor>& grads,
                 const std::vector<at::Tensor>& exp_avg,
                 const std::vector<at::Tensor>& exp_avg_sq,
                 const at::Tensor& step,
                 const OptimizerConfig& config) {
  const std::vector<at::Tensor> steps(group.params.size(), step);
  at::_fused_adamw_(group.params,
                    grads,
                    exp_avg,
                    exp_avg_sq,
                    /*max_exp_avg_sqs=*/{},
                    steps,
                    group.lr,
                    config.beta1,
                    config.beta2,
                    group.weight_decay,
                    config.eps,
                    /*amsgrad=*/false,
                    /*maximize=*/false);
}

}  // namespace dtrain::optim
