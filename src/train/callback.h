// What happens around training without being part of it: logging, saving, stopping.
#pragma once

#include "train/train_state.h"

namespace dtrain::train {

// Every hook runs on every rank with the same reduced metrics, so all ranks decide alike. A
// callback that writes files checks its own rank; a collective never stands inside such a check.
//
// `state.should_stop` ends the training after the step in which it is set. Within an epoch
// on_train_end follows at once; after its last step the epoch is finished first.
class Callback {
 public:
  virtual ~Callback() = default;
  // Before the first step, and again after a rollback: `state` then stands where the checkpoint
  // did, and what a callback keeps of later steps is void. No on_epoch_end or on_train_end comes
  // before.
  virtual void on_train_start(TrainState&) {}
  // Before the first step of an epoch, and before the first one after a resume or rollback into it.
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
