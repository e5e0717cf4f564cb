// Adam with decoupled weight decay, as torch.optim.AdamW (Loshchilov and Hutter 2017,
// arXiv:1711.05101).
#pragma once

#include <vector>

#include "optim/optimizer.h"

namespace dtrain::optim {

// p -= lr * weight_decay * p;  m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2;
// p -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
class AdamW : public Optimizer {
 public:
  AdamW(std::vector<ParamGroup> groups, const OptimizerConfig& config);
  void step() override;
  state::NamedTensors state() const override;

 private:
  struct Moments {
    std::vector<at::Tensor> exp_avg, exp_avg_sq;
  };

  OptimizerConfig config_;
  std::vector<Moments> moments_;  // per group
  at::Tensor step_;               // t: one float for all parameters, where they are
};

}  // namespace dtrain::optim
