// The learning rate as a pure function of the step.
#pragma once

#include <cstdint>

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
// arXiv:1608.03983; warm-up: Goyal et al. 2017.) Having no state, it needs none in a checkpoint.
//
//   LRSchedule schedule(config.schedule, config.optimizer.lr, steps_per_epoch, config.run.epochs);
//   optimizer.set_lr(schedule(state.step));
class LRSchedule : public Schedule {
 public:
  // Throws a config Error when the warm-up is longer than the training, or its first cycle.
  LRSchedule(const ScheduleConfig& config, double lr, int64_t steps_per_epoch, int64_t epochs);

  double operator()(int64_t step) const override;

 private:
  double cosine(int64_t step) const;
  double after_warmup(int64_t step) const;

  ScheduleConfig config_;
  double lr_;
  int64_t warmup_steps_, total_steps_, cycle_steps_, decay_steps_;
};

}  // namespace dtrain::optim
