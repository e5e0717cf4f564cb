// A moving average of a model, which often classifies better than the model itself.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

#include "optim/average.h"
#include "optim/ema_config.h"

namespace dtrain::optim {

// average = decay * average + (1 - decay) * value, for parameters and floating buffers, after every
// update (Polyak and Juditsky 1992; timm's ModelEmaV3). Counters are copied. Starts as the model.
// With a warm-up the decay is min(decay, (1 + t) / (10 + t)) at update t = 0, 1, ... (TensorFlow's
// ExponentialMovingAverage), so that the weights that training started from are soon forgotten.
// Borrows the model, whose tensors must stay the ones they are.
class ModelEma : public Average {
 public:
  ModelEma(const torch::nn::Module& model, const EmaConfig& config);

  std::string name() const override { return "ema"; }
  state::NamedTensors state() const override;
  void start() override;
  void after_update() override;
  std::vector<state::Stateful*> more_state() override;

 private:
  void exchange() override;

  // How many updates were averaged; of runs with a warm-up alone.
  class UpdateCount : public state::Stateful {
   public:
    std::string name() const override { return "ema_updates"; }
    state::NamedTensors state() const override;
    void load(const state::NamedTensors& values) override;

    int64_t value = 0;
  };

  double decay_;
  bool has_warmup_;
  UpdateCount updates_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> values_, averages_;
};

}  // namespace dtrain::optim
