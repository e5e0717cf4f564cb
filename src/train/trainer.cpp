// The training loop: epochs of updates over a loader, with hooks around them.
#include "train/trainer.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "dist/mpi_scope.h"
#include "optim/grad_clip.h"
#include "util/check.h"
#include "util/log.h"
#include "util/random.h"

namespace dtrain::train {

Trainer::Trainer(TrainerOptions options, TrainState state, Parts parts)
    : options_(std::move(options)),
      state_(std::move(state)),
      parts_(std::move(parts)),
      parameters_(parts_.model.parameters()) {
  check(state_.steps_per_epoch > 0, "an epoch has at least one step");
}

void Trainer::run() {
  try {
    for (auto& callback : parts_.callbacks) callback->on_train_start(state_);
    while (!is_finished()) run_epoch();
    for (auto& callback : parts_.callbacks) callback->on_train_end(state_);
  } catch (Error& error) {
    error.add_place("epoch " + std::to_string(state_.epoch));
    error.add_place("step " + std::to_string(state_.step));
    throw;
  }
}

bool Trainer::is_finished() const {
  return state_.epoch >= state_.epochs || state_.should_stop ||
         (options_.train.max_steps > 0 && state_.step >= options_.train.max_steps);
}

void Trainer::run_epoch() {
  parts_.model.train();
  parts_.batches.start_epoch(state_.epoch, state_.batch * options_.train.grad_accum_steps);
  timer_.start_epoch();
  if (state_.batch == 0) epoch_metrics_.reset();
  window_metrics_.reset();
  for (auto& callback : parts_.callbacks) callback->on_epoch_start(state_);

  while (state_.batch < state_.steps_per_epoch) {
    if (!train_step()) return roll_back();
    ++state_.batch;
    // A log line every `log_interval` steps of the epoch, and at its last step.
    state_.metrics_are_fresh = state_.batch % options_.log_interval == 0 || state_.batch == 1 ||
                               state_.batch == state_.steps_per_epoch;
    if (state_.metrics_are_fresh) log_step();
    for (auto& callback : parts_.callbacks) callback->on_step_end(state_);
    if (is_finished() && state_.batch < state_.steps_per_epoch) return;
  }
  finish_epoch();
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
  parts_.optimizer.set_lr(state_.lr = parts_.schedule(state_.step));
  parts_.guard.start_update();
  outputs_.clear();
  parts_.gradients.zero_grad();
  const double communicated = parts_.gradients.exposed_seconds() + parts_.group.waited_seconds();
  for (int64_t micro_batch = first; micro_batch < last; ++micro_batch) {
    timer_.before_batch();
    const auto batch = parts_.batches.next();
    check(batch.has_value(), "the loader delivers every batch that the sampler planned");
    timer_.after_batch();
    std::optional<dist::GradientSync::NoSync> add_up;
    if (micro_batch + 1 < last) add_up.emplace(parts_.gradients);
    forward_backward(*batch, samples);
  }
  if (!update_weights()) return false;
  ++state_.step;
  timer_.after_step(
      samples, parts_.gradients.exposed_seconds() + parts_.group.waited_seconds() - communicated);
  return true;
}

void Trainer::forward_backward(const data::Batch& batch, int64_t samples) {
  if (parts_.shards != nullptr) parts_.shards->start_batch(batch.global_size);
  tasks::TaskOutput out;
  {
    AutocastScope autocast(options_.precision, batch.images.device());
    parts_.gradients.prepare_forward();
    out = parts_.task.forward(batch, parts_.model);
  }
  // Gradients are summed over micro-batches and ranks: divided by all their samples, it is the mean
  // whatever the sizes.
  parts_.gradients.backward(
      parts_.scaler.scale(out.loss_sum * (1.0 / static_cast<double>(samples))));
  parts_.guard.saw(batch, out.loss_sum);
  outputs_.push_back(std::move(out));
}

// All-reduced by now. Unscale, agree, clip, step, move the scale: in this order.
bool Trainer::update_weights() {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters_) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  const bool fits = parts_.scaler.unscale(gradients, parts_.control);
  state_.grad_norm = optim::clip_grad_norm(parameters_, options_.train.clip_grad);
  state_.loss_scale = parts_.scaler.scale();
  const auto verdict = parts_.guard.judge(
      fits && std::isfinite(state_.grad_norm), parts_.scaler.enabled(), state_.loss_scale, state_);
  if (verdict == UpdateGuard::Verdict::kRollback) return false;
  if (verdict == UpdateGuard::Verdict::kApply) {
    parts_.optimizer.step();
    if (parts_.buffers != nullptr) parts_.buffers->run();
    if (parts_.ema != nullptr) parts_.ema->update();
  } else {
    ++state_.skipped_updates;
  }
  move_loss_scale(fits);
  if (!parts_.guard.losses_are_finite()) return true;  // one NaN would be the epoch's mean
  for (const tasks::TaskOutput& out : outputs_) {
    epoch_metrics_.update(out);
    window_metrics_.update(out);
  }
  return true;
}

// The scale is the same on all ranks, and so is its giving up: one of them reports it.
void Trainer::move_loss_scale(bool fits) {
  try {
    parts_.scaler.update(fits);
  } catch (const Error& error) {
    if (parts_.group.rank() == 0) throw;
    throw dist::PeerFailed(0, error);
  }
}

void Trainer::roll_back() {
  check(static_cast<bool>(parts_.roll_back), "whoever allows rollbacks provides the way back");
  std::optional<Restored> restored = parts_.roll_back();
  if (!restored) {
    parts_.guard.give_up(
        "no checkpoint had been saved yet to roll back to: see --checkpoint.save_every_steps");
  }
  util::log_warning("Rolled back from step " + std::to_string(state_.step) + " to step " +
                    std::to_string(restored->state.step));
  state_ = std::move(restored->state);
  if (restored->metric_sums.defined()) restore_metric_sums(restored->metric_sums);
  for (auto& callback : parts_.callbacks) callback->on_train_start(state_);
}

void Trainer::log_step() {
  state_.train = epoch_metrics_.reduced(parts_.control);
  state_.window = window_metrics_.reduced(parts_.control);
  window_metrics_.reset();
  timer_.read_window(state_);
  // A GPU's streams wait for each other without the host, whose clock sees nothing of it.
  if (!parameters_.front().is_cpu()) state_.comm_seconds.reset();
}

void Trainer::evaluate() {
  std::optional<optim::ModelEma::Scope> with_average;
  if (parts_.ema != nullptr) with_average.emplace(*parts_.ema);
  state_.eval = parts_.evaluation.run();
  const double top1 = state_.eval.at("top1");
  ++state_.evaluations_since_best;
  if (top1 <= state_.best_top1) return;
  state_.best_top1 = top1;
  state_.best_epoch = state_.epoch;
  state_.is_best = true;
  state_.evaluations_since_best = 0;
}

void Trainer::finish_epoch() {
  const bool last = state_.epoch + 1 == state_.epochs;
  state_.is_best = false;
  if (last || (state_.epoch + 1) % options_.train.eval_interval == 0) {
    evaluate();
    for (auto& callback : parts_.callbacks) callback->on_validation_end(state_);
  }
  for (auto& callback : parts_.callbacks) callback->on_epoch_end(state_);
  ++state_.epoch;
  state_.batch = 0;
}

}  // namespace dtrain::train
