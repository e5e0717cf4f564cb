// A moving average of a model, which often classifies better than the model itself.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <utility>
#include <vector>

#include "optim/ema_config.h"

namespace dtrain::optim {

// average = decay * average + (1 - decay) * value, for parameters and floating buffers, after every
// update (Polyak and Juditsky 1992; timm's ModelEmaV3). Counters are copied. Starts as the model.
// Borrows the model, whose tensors must stay the ones they are.
class ModelEma {
 public:
  ModelEma(const torch::nn::Module& model, const EmaConfig& config);

  void update();

  // The average under the names of the model. The tensors are the average's own: copying into them
  // restores it.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

  // While the scope lives, the model computes with the average.
  class Scope {
   public:
    explicit Scope(ModelEma& ema) : ema_(ema) { ema_.exchange(); }
    ~Scope() { ema_.exchange(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    ModelEma& ema_;
  };

 private:
  void exchange();

  double decay_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> values_, averages_;
};

}  // namespace dtrain::optim
