// Adam with decoupled weight decay.
#include "optim/adamw.h"

#include <ATen/ATen.h>

#include "optim/fused_kernels.h"
#include "util/check.h"

namespace dtrain::optim {

AdamW::AdamW(std::vector<ParamGroup> groups, const OptimizerConfig& config)
    : Optimizer(std::move(groups)), config_(config), moments_(groups_.size()) {
  check(!groups_.empty(), "an optimizer has parameters");
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (const at::Tensor& param : groups_[g].params) {
      moments_[g].exp_avg.push_back(at::zeros_like(param.detach()));
      moments_[g].exp_avg_sq.push_back(at::zeros_like(param.detach()));
    }
  }
  step_ = at::zeros({}, groups_.front().params.front().options().dtype(at::kFloat));
}

void AdamW::step() {
  const at::NoGradGuard no_grad;
  step_.add_(1);
  for (size_t g = 0; g < groups_.size(); ++g) {
    fused_adamw(groups_[g],
                gradients(groups_[g]),
                moments_[g].exp_avg,
                moments_[g].exp_avg_sq,
                step_,
                config_);
  }
}

state::NamedTensors AdamW::state() const {
  state::NamedTensors named;
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (size_t i = 0; i < groups_[g].params.size(); ++i) {
      named.emplace_back("exp_avg." + groups_[g].names[i], moments_[g].exp_avg[i]);
      named.emplace_back("exp_avg_sq." + groups_[g].names[i], moments_[g].exp_avg_sq[i]);
    }
  }
  named.emplace_back("step", step_);
  return named;
}

}  // namespace dtrain::optim
