// What the optimizers share: the learning rate and the way back from a checkpoint.
#include "optim/optimizer.h"

#include <ATen/ATen.h>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::optim {
namespace {

Error mismatch(const std::string& cause) {
  return config_error("optimizer state of the checkpoint",
                      cause,
                      "resume with the model and the optimizer that the checkpoint was made with");
}

std::string shape_of(const at::Tensor& t) { return "[" + util::joined(t.sizes(), ", ") + "]"; }

}  // namespace

void Optimizer::load_state(const OptimizerState& saved) {
  const at::NoGradGuard no_grad;
  const OptimizerState own = state();
  if (saved.size() != own.size()) {
    throw mismatch("it has " + std::to_string(saved.size()) + " tensors, this optimizer " +
                   std::to_string(own.size()));
  }
  for (size_t i = 0; i < own.size(); ++i) {
    const auto& [name, tensor] = own[i];
    if (saved[i].first != name || saved[i].second.sizes() != tensor.sizes()) {
      throw mismatch("it has '" + saved[i].first + "' " + shape_of(saved[i].second) +
                     " where this optimizer has '" + name + "' " + shape_of(tensor));
    }
  }
  for (size_t i = 0; i < own.size(); ++i) {
    at::Tensor target = own[i].second;
    target.copy_(saved[i].second);
  }
}

void Optimizer::set_lr(double lr) {
  for (ParamGroup& group : groups_) {
    group.lr = lr;
  }
}

double Optimizer::lr() const { return groups_.empty() ? 0.0 : groups_.front().lr; }

}  // namespace dtrain::optim
