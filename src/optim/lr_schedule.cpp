// The learning rate as a pure function of the step.
#include "optim/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "util/check.h"

namespace dtrain::optim {

LRSchedule::LRSchedule(const ScheduleConfig& config,
                       double lr,
                       int64_t steps_per_epoch,
                       int64_t epochs)
    : config_(config),
      lr_(lr),
      warmup_steps_(std::llround(config.warmup_epochs * static_cast<double>(steps_per_epoch))),
      total_steps_(steps_per_epoch * epochs),
      cycle_steps_(total_steps_ / std::max<int64_t>(1, config.cycles)),
      decay_steps_(config.decay_epochs * steps_per_epoch) {
  if (warmup_steps_ > cycle_steps_) {
    throw config_error("schedule.warmup_epochs",
                       "the warm-up takes " + std::to_string(warmup_steps_) + " steps, " +
                           (config.cycles > 1 ? "a cycle " : "the whole training ") +
                           std::to_string(cycle_steps_),
                       "shorten it, or raise the number of epochs");
  }
}

double LRSchedule::operator()(int64_t step) const {
  if (step >= warmup_steps_) {
    return after_warmup(step - warmup_steps_);
  }
  const double done = static_cast<double>(step) / static_cast<double>(warmup_steps_);
  return lr_ * (config_.warmup_factor + (1.0 - config_.warmup_factor) * done);
}

double LRSchedule::cosine(int64_t step) const {
  if (step >= total_steps_) return config_.min_lr;
  int64_t done = step % cycle_steps_, length = cycle_steps_;
  if (step < cycle_steps_) {
    done -= warmup_steps_;
    length -= warmup_steps_;
  }
  const double phase = static_cast<double>(done) / static_cast<double>(length);
  return config_.min_lr + (lr_ - config_.min_lr) * (1.0 + std::cos(std::numbers::pi * phase)) / 2.0;
}

double LRSchedule::after_warmup(int64_t step) const {
  if (config_.name == "cosine") return cosine(step + warmup_steps_);
  if (config_.name == "step") {
    const double decays = static_cast<double>(step / decay_steps_);
    return std::max(config_.min_lr, lr_ * std::pow(config_.decay_rate, decays));
  }
  check(config_.name == "constant", "the reader admits known schedules only");
  return lr_;
}

}  // namespace dtrain::optim
