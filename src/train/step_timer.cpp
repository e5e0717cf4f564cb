// Where the time of a step goes: waiting for data, and everything.
#include "train/step_timer.h"

namespace dtrain::train {

void StepTimer::start_epoch(int64_t ranks) {
  ranks_ = ranks;
  window_ = {};
  epoch_ = {};
}

void StepTimer::after_step(int64_t images) {
  for (Sums* sums : {&window_, &epoch_}) {
    ++sums->steps;
    sums->images += images;
  }
}

void StepTimer::read_window(TrainState& state) {
  const double seconds = window_.timer.seconds();
  const double epoch_seconds = epoch_.timer.seconds();
  const auto steps = static_cast<double>(window_.steps);
  state.step_seconds = seconds / steps;
  state.data_seconds = window_.data_seconds / steps;
  state.images_per_second = static_cast<double>(window_.images * ranks_) / seconds;
  state.mean_step_seconds = epoch_seconds / static_cast<double>(epoch_.steps);
  state.mean_images_per_second = static_cast<double>(epoch_.images * ranks_) / epoch_seconds;
  window_ = {};
}

}  // namespace dtrain::train
