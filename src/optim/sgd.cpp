// Stochastic gradient descent with momentum.
#include "optim/sgd.h"

#include <ATen/ATen.h>

#include "optim/fused_kernels.h"

namespace dtrain::optim {

Sgd::Sgd(std::vector<ParamGroup> groups, const OptimizerConfig& config)
    : Optimizer(std::move(groups)), config_(config), momentum_buffers_(groups_.size()) {
  if (config_.momentum == 0.0) {
    return;
  }
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (const at::Tensor& param : groups_[g].params) {
      momentum_buffers_[g].push_back(at::zeros_like(param.detach()));
    }
  }
}

void Sgd::step() {
  const at::NoGradGuard no_grad;
  for (size_t g = 0; g < groups_.size(); ++g) {
    fused_sgd(groups_[g], gradients(groups_[g]), momentum_buffers_[g], config_);
  }
}

state::NamedTensors Sgd::state() const {
  state::NamedTensors named;
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (size_t i = 0; i < momentum_buffers_[g].size(); ++i) {
      named.emplace_back("momentum_buffer." + groups_[g].names[i], momentum_buffers_[g][i]);
    }
  }
  return named;
}

}  // namespace dtrain::optim
