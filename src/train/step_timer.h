// Where the time of a step goes: waiting for data, and everything.
#pragma once

#include <cstdint>

#include "train/train_state.h"
#include "util/timer.h"

namespace dtrain::train {

// Accumulates over a log window and over the epoch; a handful of clock reads a step.
class StepTimer {
 public:
  void start_epoch(int64_t ranks);
  void before_batch() { wait_.reset(); }
  void after_batch() { window_.data_seconds += wait_.seconds(); }
  void after_step(int64_t images);

  // Writes the times and rates of the window and of the epoch so far, and begins a new window.
  void read_window(TrainState& state);

 private:
  struct Sums {
    int64_t steps = 0, images = 0;
    double data_seconds = 0.0;
    util::Timer timer;
  };

  int64_t ranks_ = 1;
  util::Timer wait_;
  Sums window_, epoch_;
};

}  // namespace dtrain::train
