// What happens around training without being part of it: logging, saving, stopping.
#pragma once

#include "train/requests.h"
#include "train/train_state.h"

namespace dtrain::train {

// Every hook runs on every rank with the same reduced metrics. A callback that writes files checks
// its own rank; a collective never stands inside such a check.
//
// What a callback wants of the training it asks for (requests.h). Asked for in on_step_end, it is
// granted one step later, since the ranks agree in the step; in the other hooks a stop is granted
// at once, the end of an epoch included, and a save in the next step. A training that is to stop
// within an epoch goes on to on_train_end, one whose epoch has had its last step evaluates and
// finishes the epoch first (preempted, it does not).
class Callback {
 public:
  virtual ~Callback() = default;
  // Before the first step.
  virtual void on_train_start(const TrainState&, Requests&) {}
  // The training went back to a checkpoint, and stands where that did: what a callback keeps of
  // later steps is void. No on_epoch_end or on_train_end comes before.
  virtual void on_rollback(const TrainState& state, Requests& requests) {
    on_train_start(state, requests);
  }
  // Before the first step of an epoch, and before the first one after a resume or rollback into it.
  virtual void on_epoch_start(const TrainState&, Requests&) {}
  // After each update. `state.metrics_are_fresh` says whether this is a step that is logged.
  virtual void on_step_end(const TrainState&, Requests&) {}
  // Before and after the evaluation of an epoch; `state.epoch` is still the epoch that ended and
  // `state.batch` equals `state.steps_per_epoch`, here and in on_epoch_end. A checkpoint of this
  // point goes on with the evaluation.
  virtual void on_validation_start(const TrainState&, Requests&) {}
  virtual void on_validation_end(const TrainState&, Requests&) {}
  virtual void on_epoch_end(const TrainState&, Requests&) {}
  virtual void on_train_end(const TrainState&, Requests&) {}
};

}  // namespace dtrain::train
