// Where the time of a step goes: waiting for data, waiting for other ranks, and everything.
#pragma once

#include <cstdint>

#include "train/train_state.h"
#include "util/timer.h"

namespace dtrain::train {

// Accumulates over a log window and over the epoch; a handful of clock reads a step.
class StepTimer {
 public:
  void start_epoch();
  void before_batch() { wait_.reset(); }
  void after_batch() { window_.data_seconds += wait_.seconds(); }
  // `images` of all ranks; `comm_seconds`: how long communication kept this rank waiting.
  void after_step(int64_t images, double comm_seconds);

  // Writes the times and rates of the window and of the epoch so far, and begins a new window.
  void read_window(TrainState& state);

 private:
  struct Sums {
    int64_t steps = 0, images = 0;
    double data_seconds = 0.0, comm_seconds = 0.0;
    util::Timer timer;
  };

  util::Timer wait_;
  Sums window_, epoch_;
};

}  // namespace dtrain::train
