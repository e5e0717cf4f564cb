// Ends a training that no longer gets better.
#pragma once

#include <cstdint>

#include "train/callback.h"

namespace dtrain::callbacks {

// Asks to stop after `patience` evaluations in a row of which none was the best. The count is part
// of TrainState and so of checkpoints: a run that has stopped does not train on when resumed.
class EarlyStopping : public train::Callback {
 public:
  explicit EarlyStopping(int64_t patience) : patience_(patience) {}
  void on_train_start(const train::TrainState& state, train::Requests& requests) override;
  void on_validation_end(const train::TrainState& state, train::Requests& requests) override;

 private:
  int64_t patience_;
};

}  // namespace dtrain::callbacks
