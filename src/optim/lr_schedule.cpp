// The learning rate as a function of the step, and of the lengths that the training had.
#include "optim/lr_schedule.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::optim {
namespace {

constexpr int64_t kMostLengths = 16;  // fixed: a checkpoint's tensors have fixed shapes
constexpr const char* kLengths = "lengths";

}  // namespace

LRSchedule::LRSchedule(const ScheduleConfig& config,
                       double lr,
                       int64_t steps_per_epoch,
                       int64_t epochs)
    : config_(config),
      lr_(lr),
      warmup_steps_(std::llround(config.warmup_epochs * static_cast<double>(steps_per_epoch))),
      decay_steps_(config.decay_epochs * steps_per_epoch),
      lengths_{{0, steps_per_epoch * epochs, Course::kPlanned}} {
  const int64_t cycle_steps = lengths_[0].total_steps / std::max<int64_t>(1, config.cycles);
  if (warmup_steps_ > cycle_steps) {
    throw config_error("schedule.warmup_epochs",
                       "the warm-up takes " + std::to_string(warmup_steps_) + " steps, " +
                           (config.cycles > 1 ? "a cycle " : "the whole training ") +
                           std::to_string(cycle_steps),
                       "shorten it, or raise the number of epochs");
  }
}

double LRSchedule::operator()(int64_t step) const {
  return rate(static_cast<double>(step), lengths_.size());
}

double LRSchedule::rate(double step, size_t count) const {
  const Length& now = lengths_[count - 1];
  if (now.course == Course::kPlanned) return planned(step, now.total_steps);
  const auto since = static_cast<double>(now.step);
  if (step < since) return rate(step, count - 1);
  const auto before = static_cast<double>(lengths_[count - 2].total_steps);
  if (now.course == Course::kAppend) return rate(std::min(step, before - 1), count - 1);
  if (now.course == Course::kAnew) return planned(step, now.total_steps);
  const double left = static_cast<double>(now.total_steps) - since;
  return rate(since + (step - since) * (before - since) / left, count - 1);
}

double LRSchedule::planned(double step, int64_t total_steps) const {
  const auto warmup = static_cast<double>(warmup_steps_);
  if (step < warmup) {
    return lr_ * (config_.warmup_factor + (1.0 - config_.warmup_factor) * (step / warmup));
  }
  if (config_.name == "cosine") return cosine(step, total_steps);
  if (config_.name == "step") {
    const double decays = std::floor((step - warmup) / static_cast<double>(decay_steps_));
    return std::max(config_.min_lr, lr_ * std::pow(config_.decay_rate, decays));
  }
  check(config_.name == "constant", "the reader admits known schedules only");
  return lr_;
}

double LRSchedule::cosine(double step, int64_t total_steps) const {
  if (step >= static_cast<double>(total_steps)) return config_.min_lr;
  const auto cycle = static_cast<double>(total_steps / std::max<int64_t>(1, config_.cycles));
  double done = std::fmod(step, cycle), length = cycle;
  if (step < cycle) {
    done -= static_cast<double>(warmup_steps_);
    length -= static_cast<double>(warmup_steps_);
  }
  const double phase = done / length;
  return config_.min_lr + (lr_ - config_.min_lr) * (1.0 + std::cos(std::numbers::pi * phase)) / 2.0;
}

std::string LRSchedule::follow_length(int64_t step, int64_t total_steps, const std::string& mode) {
  const int64_t before = lengths_.back().total_steps;
  if (total_steps == before || total_steps <= step) return "";
  const bool is_cosine = config_.name == "cosine";
  if (is_cosine && config_.cycles > 1) {
    throw config_error("run.epochs",
                       "the " + std::to_string(config_.cycles) +
                           " cycles of the schedule have lengths that follow from the " +
                           std::to_string(before) + " steps the training began with",
                       "keep run.epochs, or start a new run with --initial-checkpoint");
  }
  const std::string said =
      "Ends after " + std::to_string(total_steps) + " steps, not " + std::to_string(before) + ": ";
  // Nothing to stretch within the warm-up: a training of any length has the same one.
  Course course = step < before && step >= warmup_steps_ ? Course::kStretch : Course::kAnew;
  if (mode == "append") course = Course::kAppend;
  if (!is_cosine && mode == "stretch") course = Course::kAnew;
  if (lengths_.size() == size_t(kMostLengths)) {
    throw config_error("run.epochs",
                       "the length of this training was changed " +
                           std::to_string(kMostLengths - 1) + " times already",
                       "start a new run with --initial-checkpoint");
  }
  lengths_.push_back({step, total_steps, course});
  const std::string at_first = util::number((*this)(step), "%.3g");
  const std::string at_last = util::number((*this)(total_steps - 1), "%.3g");
  const std::string from_to = " (learning rate " + at_first + " now, " + at_last + " at the end)";
  if (course == Course::kAppend) {
    return said + "the old schedule, then its last rate" + from_to;
  }
  if (!is_cosine) return said + "the schedule " + config_.name + " is the same" + from_to;
  if (course == Course::kStretch) return said + "the rest of the decay is stretched" + from_to;
  return said + "the schedule of that length from here on" + from_to;
}

state::NamedTensors LRSchedule::state() const {
  at::Tensor rows = at::zeros({kMostLengths, 3}, at::kLong);
  auto row = rows.accessor<int64_t, 2>();
  for (size_t i = 0; i < lengths_.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    row[at][0] = lengths_[i].step;
    row[at][1] = lengths_[i].total_steps;
    row[at][2] = static_cast<int64_t>(lengths_[i].course);
  }
  return {{kLengths, rows}};
}

void LRSchedule::load(const state::NamedTensors& values) {
  if (values.empty()) return;
  const at::Tensor rows = values.front().second.cpu();
  const auto row = rows.accessor<int64_t, 2>();
  std::vector<Length> lengths;
  for (int64_t i = 0; i < kMostLengths && row[i][1] > 0; ++i) {
    check(row[i][2] >= 0 && row[i][2] <= 3, "a checkpoint holds known courses of the schedule");
    lengths.push_back({row[i][0], row[i][1], static_cast<Course>(row[i][2])});
  }
  check(!lengths.empty() && lengths[0].course == Course::kPlanned,
        "a training has a length from its beginning");
  lengths_ = std::move(lengths);
}

}  // namespace dtrain::optim
