// The learning rate as a pure function of the step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "optim/schedule.h"
#include "optim/schedule_config.h"

namespace dtrain::optim {

// Let W be the steps of the warm-up, T those of the whole training, s = 0, 1, ... the step (the
// update number s uses the rate at s), f the warm-up factor:
//   s < W      lr * (f + (1 - f) * s / W)
//   cosine     min_lr + (lr - min_lr) * (1 + cos(pi * (s - W) / (T - W))) / 2
//   step       max(min_lr, lr * decay_rate ^ floor((s - W) / (decay_epochs * steps_per_epoch)))
//   constant   lr
// With C cycles the cosine starts anew at T / C, 2 T / C, ...; the warm-up takes its steps from the
// first cycle. (torch's CosineAnnealingWarmRestarts; Huang et al. 2017, "Snapshot Ensembles".)
// The cosine reaches min_lr at s = T, one past the last update, and stays there.
//
// This is torch's SequentialLR([LinearLR(f, total_iters=W), CosineAnnealingLR(T - W,
// eta_min=min_lr)], milestones=[W]), stepped every batch, as torchvision's
// references/classification/train.py composes it, and timm's CosineLRScheduler(t_initial=T - W,
// warmup_t=W, warmup_prefix=True) with warmup_lr_init = f * lr. (Loshchilov and Hutter 2016,
// arXiv:1608.03983; warm-up: Goyal et al. 2017.)
//
// A training that resumes at step S to end after N steps in place of T (run.epochs), with r the
// rate as it was planned until then, has from s = S on
//   stretch    r(S + (s - S) * (T - S) / (N - S)): what was left of the course takes the steps that
//              are left now, without a jump. Nothing is left where S = T: then the rate that a
//              training of N steps from the beginning has at s, which is a jump.
//   append     r(min(s, T - 1)): the added steps keep the rate of the last step.
// The schedules step and constant know no length: stretch changes nothing there. Such changes add
// up, and are the state that a checkpoint holds: without them, a resume would plan anew.
//
//   LRSchedule schedule(config.schedule, config.optimizer.lr, steps_per_epoch, config.run.epochs);
//   optimizer.set_lr(schedule(state.step));
class LRSchedule : public Schedule {
 public:
  // Throws a config Error when the warm-up is longer than the training, or its first cycle.
  LRSchedule(const ScheduleConfig& config, double lr, int64_t steps_per_epoch, int64_t epochs);

  double operator()(int64_t step) const override;

  // Refuses another length of a schedule with cycles, whose ends would move.
  std::string follow_length(int64_t step, int64_t total_steps, const std::string& mode) override;

  // `lengths` (16, 3), int64: a row for each length the training had, of the step it was given at,
  // the steps in all, and a number that says what followed (lr_schedule.cpp). Old
  // checkpoints lack it: their training had the one length that this was made with.
  state::NamedTensors state() const override;
  void load(const state::NamedTensors& values) override;
  bool may_lack_state() const override { return true; }

 private:
  enum class Course : int64_t { kPlanned, kStretch, kAppend, kAnew };
  // The training got `total_steps` when it stood at `step`.
  struct Length {
    int64_t step, total_steps;
    Course course;
  };
  // With the first `count` lengths. Steps are real numbers, for a stretched course.
  double rate(double step, size_t count) const;
  // That of a training of `total_steps` from the beginning.
  double planned(double step, int64_t total_steps) const;
  double cosine(double step, int64_t total_steps) const;

  ScheduleConfig config_;
  double lr_;
  int64_t warmup_steps_, decay_steps_;
  std::vector<Length> lengths_;  // at least one
};

}  // namespace dtrain::optim
