// A moving average of a model, which often classifies better than the model itself.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "optim/average.h"
#include "optim/ema_config.h"

namespace dtrain::optim {

// average = decay * average + (1 - decay) * value, for parameters and floating buffers, after every
// update (Polyak and Juditsky 1992; timm's ModelEmaV3). Counters are copied. Starts as the model.
// Borrows the model, whose tensors must stay the ones they are.
class ModelEma : public Average {
 public:
  ModelEma(const torch::nn::Module& model, const EmaConfig& config);

  std::string name() const override { return "ema"; }
  state::NamedTensors state() const override;
  void start() override;
  void after_update() override;

 private:
  void exchange() override;

  double decay_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> values_, averages_;
};

}  // namespace dtrain::optim
