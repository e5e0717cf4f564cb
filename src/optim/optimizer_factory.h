// From the optimizer section of the config to an optimizer.
#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "optim/optimizer.h"

namespace dtrain::optim {

// Over the trainable parameters of `model`, which keeps them; make it after the model has its
// dtype, device and memory format.
std::unique_ptr<Optimizer> create_optimizer(const torch::nn::Module& model,
                                            const OptimizerConfig& config);

}  // namespace dtrain::optim
