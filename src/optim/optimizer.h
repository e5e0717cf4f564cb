// Turns gradients into updates.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "optim/param_groups.h"

namespace dtrain::optim {

// Name and tensor, in a fixed order. The tensors are the optimizer's own, not copies.
using OptimizerState = std::vector<std::pair<std::string, at::Tensor>>;

// Reads `param.grad()` of every parameter of its groups and changes the parameters in place. It
// neither makes nor clears gradients: dist::GradientReducer owns them. Works in the dtype and on
// the device that the parameters had when it was made; move the model first.
//
//   auto optimizer = create_optimizer(*model, config.optimizer);
//   loss.backward();
//   optimizer->set_lr(schedule(step));
//   optimizer->step();
class Optimizer {
 public:
  explicit Optimizer(std::vector<ParamGroup> groups) : groups_(std::move(groups)) {}
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // One update. Throws where a parameter has no gradient: it would silently stay as it is.
  virtual void step() = 0;

  // For checkpoints: `momentum_buffer.<param>` (sgd), `exp_avg.<param>`, `exp_avg_sq.<param>` and
  // `step` (adamw); torch's names for the same quantities.
  virtual OptimizerState state() const = 0;

  // Copies the values in. Throws a config Error when a name or a shape differs from `state()`.
  void load_state(const OptimizerState& saved);

  void set_lr(double lr);
  double lr() const;
  const std::vector<ParamGroup>& groups() const { return groups_; }

 protected:
  std::vector<ParamGroup> groups_;
};

}  // namespace dtrain::optim
