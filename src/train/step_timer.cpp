// Where the time of a step goes: waiting for data, waiting for other ranks, and everything.
#include "train/step_timer.h"

namespace dtrain::train {

void StepTimer::start_epoch() {
  window_ = {};
  epoch_ = {};
}

void StepTimer::after_step(int64_t images, double comm_seconds) {
  for (Sums* sums : {&window_, &epoch_}) {
    ++sums->steps;
    sums->images += images;
    sums->comm_seconds += comm_seconds;
  }
}

void StepTimer::read_window(TrainState& state) {
  const double seconds = window_.timer.seconds();
  const double epoch_seconds = epoch_.timer.seconds();
  const auto steps = static_cast<double>(window_.steps);
  state.step_seconds = seconds / steps;
  state.data_seconds = window_.data_seconds / steps;
  state.comm_seconds = window_.comm_seconds / steps;
  state.images_per_second = static_cast<double>(window_.images) / seconds;
  state.mean_step_seconds = epoch_seconds / static_cast<double>(epoch_.steps);
  state.mean_images_per_second = static_cast<double>(epoch_.images) / epoch_seconds;
  window_ = {};
}

}  // namespace dtrain::train
