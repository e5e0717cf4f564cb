// Other weights of the same training that are evaluated in place of the model's: moving averages.
#pragma once

#include <vector>

#include "state/stateful.h"

namespace dtrain::optim {

// Keeps a tensor for each parameter and buffer of a model, under its name. In a checkpoint it is a
// file of its own, model_<name>.safetensors, which predictions can be made with.
class Average : public state::Stateful {
 public:
  state::Kind kind() const override { return state::Kind::kWeights; }
  // The average's own tensors, named as the model's.
  state::NamedTensors state() const override = 0;
  void load(const state::NamedTensors& values) override { state::copy_by_name(values, state()); }

  // What else of it a checkpoint must give back.
  virtual std::vector<state::Stateful*> more_state() { return {}; }

  // Before the first update, once the model has the weights that it starts from.
  virtual void start() = 0;
  // After every update that was made.
  virtual void after_update() = 0;

  // While the scope lives, the model computes with the average.
  class Scope {
   public:
    explicit Scope(Average& average) : average_(average) { average_.exchange(); }
    ~Scope() { average_.exchange(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Average& average_;
  };

 private:
  // The model's values become the average's and the other way round.
  virtual void exchange() = 0;
};

}  // namespace dtrain::optim
