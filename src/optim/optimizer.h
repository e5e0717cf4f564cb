// Turns gradients into updates.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "optim/param_groups.h"
#include "state/stateful.h"

namespace dtrain::optim {

// Reads `param.grad()` of every parameter of its groups and changes the parameters in place. It
// neither makes nor clears gradients: dist::GradientReducer owns them. Works in the dtype and on
// the device that the parameters had when it was made; move the model first.
//
//   auto optimizer = create_optimizer(*model, config.optimizer);
//   loss.backward();
//   optimizer->set_lr(schedule(step));
//   optimizer->step();
class Optimizer : public state::Stateful {
 public:
  explicit Optimizer(std::vector<ParamGroup> groups) : groups_(std::move(groups)) {}
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // One update. Throws where a parameter has no gradient: it would silently stay as it is.
  virtual void step() = 0;

  std::string name() const override { return "optimizer"; }
  // `momentum_buffer.<param>` (sgd), `exp_avg.<param>`, `exp_avg_sq.<param>` and `step` (adamw);
  // torch's names for the same quantities. The tensors are the optimizer's own.
  state::NamedTensors state() const override = 0;

  // By name: a parameter that `values` says nothing of keeps its state, as one that was frozen when
  // they were saved, and parameters that are not trained now are passed over. Throws a config
  // Error, and changes nothing, for quantities of another optimizer and for other shapes.
  void load(const state::NamedTensors& values) override;
  bool may_lack_state() const override { return true; }

  void set_lr(double lr);
  double lr() const;
  const std::vector<ParamGroup>& groups() const { return groups_; }

 protected:
  std::vector<ParamGroup> groups_;
};

}  // namespace dtrain::optim
