// The training loop: epochs of updates over a loader, with hooks around them.
#include "train/trainer.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "dist/peer_failed.h"
#include "metrics/registry.h"
#include "util/check.h"
#include "util/log.h"
#include "util/random.h"

namespace dtrain::train {
namespace {

// Each costs a few sums; what costs more is left to evaluations (train.metrics).
metrics::MetricSet training_metrics() {
  std::vector<std::unique_ptr<metrics::Metric>> all;
  for (const std::string& name : metrics::usual_metrics()) {
    all.push_back(metrics::make_metric(name, /*classes=*/0, "training metrics"));
  }
  return metrics::MetricSet(std::move(all));
}

}  // namespace

Trainer::Trainer(TrainerOptions options, TrainState state, Parts parts)
    : options_(std::move(options)),
      state_(std::move(state)),
      parts_(std::move(parts)),
      epoch_metrics_(training_metrics()),
      window_metrics_(training_metrics()) {
  check(state_.steps_per_epoch > 0, "an epoch has at least one step");
}

Wish Trainer::run() {
  try {
    state_.granted = Wish::kNothing;
    tell(&Callback::on_train_start);
    agree();
    while (!is_finished()) run_epoch();
    tell(&Callback::on_train_end);
  } catch (Error& error) {
    error.add_place("epoch " + std::to_string(state_.epoch));
    error.add_place("step " + std::to_string(state_.step));
    throw;
  }
  return state_.granted;
}

void Trainer::tell(Hook hook) {
  for (auto& callback : parts_.callbacks) (callback.get()->*hook)(state_, requests_);
}

// Where no update brings the ranks together.
void Trainer::agree() {
  const Wish wish = agreed(requests_.pending(), parts_.control);
  if (wish < Wish::kStop) return;  // a save waits for the next update
  state_.granted = wish;
  requests_.settle();
}

bool Trainer::is_finished() const {
  if (state_.epoch >= state_.epochs || state_.granted == Wish::kPreempt) return true;
  if (state_.is_evaluation_pending()) return false;  // an epoch whose steps are done is finished
  return state_.granted == Wish::kStop ||
         (options_.train.max_steps > 0 && state_.step >= options_.train.max_steps);
}

void Trainer::run_epoch() {
  if (state_.batch < state_.steps_per_epoch) {
    if (run_steps()) finish_epoch();
    return;
  }
  // A checkpoint from before an evaluation: what the last step left is reckoned again.
  state_.train = epoch_metrics_.reduced(parts_.control);
  state_.lr = parts_.schedule(state_.step - 1);
  finish_epoch();
}

// The rest of the epoch's steps. False: the training ends within the epoch, or was taken back.
bool Trainer::run_steps() {
  parts_.learner.model().train();
  parts_.batches.start_epoch(state_.epoch, state_.batch * options_.train.grad_accum_steps);
  timer_.start_epoch();
  if (state_.batch == 0) epoch_metrics_.reset();
  window_metrics_.reset();
  tell(&Callback::on_epoch_start);

  while (state_.batch < state_.steps_per_epoch) {
    if (!train_step()) {
      roll_back();
      return false;
    }
    ++state_.batch;
    // A log line every `log_interval` steps of the epoch, and at its last step.
    state_.metrics_are_fresh = state_.batch % options_.log_interval == 0 || state_.batch == 1 ||
                               state_.batch == state_.steps_per_epoch;
    if (state_.metrics_are_fresh) log_step();
    tell(&Callback::on_step_end);
    if (is_finished() && state_.batch < state_.steps_per_epoch) return false;
  }
  return true;
}

bool Trainer::train_step() {
  const int64_t accumulated = options_.train.grad_accum_steps;
  const int64_t first = state_.batch * accumulated;
  const int64_t last = std::min(first + accumulated, parts_.batches.sampler().batches_per_epoch());
  const int64_t samples = parts_.batches.sampler().global_samples(first, last);
  // Keyed by step and rank instead of carried along: a resumed run needs no generator state.
  at::manual_seed(util::mix(options_.seed,
                            static_cast<uint64_t>(state_.step),
                            static_cast<uint64_t>(parts_.group.rank())));
  parts_.learner.start_update(state_.lr = parts_.schedule(state_.step));
  parts_.guard.start_update();
  outputs_.clear();
  const double communicated = parts_.learner.communication_seconds();
  for (int64_t micro_batch = first; micro_batch < last; ++micro_batch) {
    timer_.before_batch();
    const auto batch = parts_.batches.next();
    check(batch.has_value(), "the loader delivers every batch that the sampler planned");
    timer_.after_batch();
    outputs_.push_back(parts_.learner.forward_backward(
        *batch, parts_.task, samples, /*is_last=*/micro_batch + 1 == last));
    parts_.guard.saw(*batch, outputs_.back().loss_sum);
  }
  if (!update_weights()) return false;
  ++state_.step;
  timer_.after_step(samples, parts_.learner.communication_seconds() - communicated);
  return true;
}

// All-reduced by now. Unscale, clip, agree, step, move the scale: in this order.
bool Trainer::update_weights() {
  const Learner::Gradients gradients = parts_.learner.finish_gradients(parts_.control);
  const GradScaler& scaler = parts_.learner.scaler();
  state_.grad_norm = gradients.norm;
  state_.loss_scale = scaler.scale();
  const bool losses_are_finite = parts_.guard.losses_are_finite();
  const StepFindings findings(
      {.gradients_are_finite = gradients.fit && std::isfinite(gradients.norm),
       .losses_are_finite = losses_are_finite,
       .wish = requests_.pending()},
      parts_.control);
  state_.granted = findings.wish();
  requests_.settle();
  const auto verdict = parts_.guard.judge(findings, scaler.enabled(), scaler.scale(), state_);
  if (verdict == UpdateGuard::Verdict::kRollback) return false;
  if (verdict == UpdateGuard::Verdict::kApply) {
    parts_.learner.apply();
  } else {
    ++state_.skipped_updates;
  }
  move_loss_scale(gradients.fit);
  if (!losses_are_finite) return true;  // one NaN would be the epoch's mean
  for (const tasks::TaskOutput& out : outputs_) {
    epoch_metrics_.update(out);
    window_metrics_.update(out);
  }
  return true;
}

// The scale is the same on all ranks, and so is its giving up: one of them reports it.
void Trainer::move_loss_scale(bool fits) {
  try {
    parts_.learner.move_loss_scale(fits);
  } catch (const Error& error) {
    if (parts_.group.rank() == 0) throw;
    throw dist::PeerFailed(0, error);
  }
}

void Trainer::roll_back() {
  check(static_cast<bool>(parts_.roll_back), "policy rollback needs Parts::roll_back");
  std::optional<TrainState> restored = parts_.roll_back();
  if (!restored) {
    parts_.guard.give_up(
        "no checkpoint had been saved yet to roll back to: see --checkpoint.save_every_steps");
  }
  util::log_warning("Rolled back from step " + std::to_string(state_.step) + " to step " +
                    std::to_string(restored->step));
  const Wish granted = state_.granted;
  state_ = *std::move(restored);
  state_.granted = granted;
  tell(&Callback::on_rollback);
}

void Trainer::log_step() {
  state_.train = epoch_metrics_.reduced(parts_.control);
  state_.window = window_metrics_.reduced(parts_.control);
  window_metrics_.reset();
  timer_.read_window(state_);
  // A GPU's streams wait for each other without the host, whose clock sees nothing of it.
  if (!parts_.learner.is_on_cpu()) state_.comm_seconds.reset();
}

void Trainer::evaluate() {
  {
    const auto with_average = parts_.learner.with_evaluated_weights();
    state_.eval = parts_.evaluation.run();
  }
  state_.is_best = state_.best.observe(state_.eval.at(state_.best.metric), state_.epoch);
  parts_.schedule.observe(state_.eval);
}

bool Trainer::is_evaluated_now() const {
  return state_.epoch + 1 == state_.epochs ||
         (state_.epoch + 1) % options_.train.eval_interval == 0;
}

void Trainer::finish_epoch() {
  state_.is_best = false;
  if (is_evaluated_now()) {
    tell(&Callback::on_validation_start);
    agree();
    if (state_.granted == Wish::kPreempt) return;  // the evaluation is still to come
    evaluate();
    tell(&Callback::on_validation_end);
  }
  state_.epoch_is_over = true;
  tell(&Callback::on_epoch_end);
  agree();
  ++state_.epoch;
  state_.batch = 0;
  state_.epoch_is_over = false;
}

}  // namespace dtrain::train
