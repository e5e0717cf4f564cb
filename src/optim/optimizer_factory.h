// From the optimizer section of the config to an optimizer.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>

#include "optim/optimizer.h"

namespace dtrain::optim {

// The learning rate where none is given: sgd 0.1 for a global batch of 256, in proportion to the
// batch (Goyal et al. 2017); adamw 0.001 for 256, in proportion to its root, as timm has it.
double usual_rate(const std::string& optimizer, int64_t global_batch);

// Over the trainable parameters of `model`, which keeps them; make it after the model has its
// dtype, device and memory format.
std::unique_ptr<Optimizer> create_optimizer(const torch::nn::Module& model,
                                            const OptimizerConfig& config);

}  // namespace dtrain::optim
