// Which parameters an optimizer changes, and which of them decay.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "optim/optimizer_config.h"

namespace dtrain::optim {

// Parameters that share their hyperparameters. `names[i]` is the name of `params[i]` in the module.
struct ParamGroup {
  std::vector<std::string> names;
  std::vector<at::Tensor> params;
  double lr = 0.0;
  double weight_decay = 0.0;
};

// The trainable parameters in the module's order: one group, or with no_decay_norm_bias two, the
// second of them without weight decay. Norms and biases are the parameters with at most one
// dimension, as in timm's param_groups_weight_decay.
std::vector<ParamGroup> param_groups(const torch::nn::Module& model, const OptimizerConfig& config);

}  // namespace dtrain::optim
