// What happens around training without being part of it: logging, saving, stopping.
#pragma once

#include "train/train_state.h"

namespace dtrain::train {

// Every hook runs on every rank with the same reduced metrics, so all ranks decide alike. A
// callback that writes files checks its own rank; a collective never stands inside such a check.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_train_start(TrainState&) {}
  virtual void on_epoch_start(TrainState&) {}
  // After each update. `state.metrics_are_fresh` says whether this is a step that is logged.
  virtual void on_step_end(TrainState&) {}
  virtual void on_validation_end(TrainState&) {}
  // After the evaluation of the epoch; `state.epoch` is still the epoch that ended and
  // `state.batch` equals `state.steps_per_epoch`.
  virtual void on_epoch_end(TrainState&) {}
  virtual void on_train_end(TrainState&) {}
};

}  // namespace dtrain::train
