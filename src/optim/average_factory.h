// From the configuration to the averages that a training keeps.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <vector>

#include "optim/average.h"
#include "optim/ema_config.h"

namespace dtrain::optim {

// Of `model`, which must keep its tensors. The first one is evaluated.
std::vector<std::unique_ptr<Average>> create_averages(const torch::nn::Module& model,
                                                      const EmaConfig& ema);

}  // namespace dtrain::optim
