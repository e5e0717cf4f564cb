// The optimizer section of the configuration. Needs no torch.
#pragma once

#include <string>

#include "config/fields.h"

namespace dtrain::optim {

struct OptimizerConfig {
  std::string name = "sgd";
  double lr = -1;
  double weight_decay = 1e-4;
  bool no_decay_norm_bias = false;
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
};

template <class V>
void fields(V& v, OptimizerConfig& c) {
  using namespace config;
  v("name", c.name, one_of({"sgd", "adamw"}), "Rule that turns gradients into an update.");
  v("lr",
    c.lr,
    at_least(-1.0),
    kAhead,
    "Learning rate after the warm-up, for the global batch; -1: chosen for its size.");
  v("weight_decay",
    c.weight_decay,
    at_least(0.0),
    kAhead,
    "sgd: L2 term added to the gradient; adamw: decoupled, times the learning rate.");
  v("no_decay_norm_bias",
    c.no_decay_norm_bias,
    "Leave batch-norm parameters and biases out of the weight decay.");
  v("momentum", c.momentum, between(0.0, 1.0), kAhead, "sgd: share of the previous update kept.");
  v("nesterov", c.nesterov, kAhead, "sgd: Nesterov momentum. Without momentum it changes nothing.");
  v("beta1", c.beta1, between(0.0, 0.99999), kAhead, "adamw: decay of the mean of the gradients.");
  v("beta2", c.beta2, between(0.0, 0.99999), kAhead, "adamw: decay of the mean of their squares.");
  v("eps", c.eps, above(0.0), kAhead, "adamw: added to the denominator.");
}

}  // namespace dtrain::optim
