// Stochastic gradient descent with momentum, as torch.optim.SGD.
#pragma once

#include <vector>

#include "optim/optimizer.h"

namespace dtrain::optim {

// g = grad + weight_decay * p;  b = momentum * b + g;  p -= lr * (nesterov ? g + momentum * b : b)
class Sgd : public Optimizer {
 public:
  Sgd(std::vector<ParamGroup> groups, const OptimizerConfig& config);
  void step() override;
  state::NamedTensors state() const override;

 private:
  OptimizerConfig config_;
  std::vector<std::vector<at::Tensor>> momentum_buffers_;  // per group; empty without momentum
};

}  // namespace dtrain::optim
