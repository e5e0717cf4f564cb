// The training loop: epochs of steps over a loader, with hooks around them.
#include "train/trainer.h"

#include <utility>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "optim/grad_clip.h"
#include "util/check.h"
#include "util/random.h"

namespace dtrain::train {

Trainer::Trainer(TrainerOptions options, TrainState state, Parts parts)
    : options_(std::move(options)),
      state_(std::move(state)),
      parts_(parts),
      parameters_(parts.model.parameters()) {
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
  parts_.batches.start_epoch(state_.epoch, state_.batch);
  timer_.start_epoch(parts_.group.size());
  if (state_.batch == 0) epoch_metrics_.reset();
  window_metrics_.reset();
  for (auto& callback : parts_.callbacks) callback->on_epoch_start(state_);

  while (state_.batch < state_.steps_per_epoch) {
    timer_.before_batch();
    auto batch = parts_.batches.next();
    check(batch.has_value(), "the loader delivers every batch that the sampler planned");
    timer_.after_batch();
    train_step(*batch);
    ++state_.batch;
    timer_.after_step(batch->size());
    // A log line every `log_interval` steps of the epoch, and at its last step.
    state_.metrics_are_fresh = state_.batch % options_.log_interval == 0 || state_.batch == 1 ||
                               state_.batch == state_.steps_per_epoch;
    if (state_.metrics_are_fresh) log_step();
    for (auto& callback : parts_.callbacks) callback->on_step_end(state_);
    if (is_finished() && state_.batch < state_.steps_per_epoch) return;
  }
  finish_epoch();
}

void Trainer::train_step(const data::Batch& batch) {
  // Keyed by step and rank instead of carried along: a resumed run needs no generator state.
  at::manual_seed(util::mix(options_.seed,
                            static_cast<uint64_t>(state_.step),
                            static_cast<uint64_t>(parts_.group.rank())));
  parts_.optimizer.set_lr(state_.lr = parts_.schedule(state_.step));
  parts_.reducer.zero_grad();
  tasks::TaskOutput out;
  {
    AutocastScope autocast(options_.precision, batch.images.device());
    parts_.reducer.prepare_forward();
    out = parts_.task.forward(batch, parts_.model);
  }
  at::Tensor loss = out.loss;
  // The reducer takes the mean over ranks; of a short last batch their shares can differ in size.
  const double share = static_cast<double>(batch.size() * parts_.group.size()) /
                       static_cast<double>(batch.global_size);
  if (share != 1.0) loss = loss * share;
  parts_.reducer.backward(loss);  // hooks start the all-reduce bucket by bucket
  if (options_.train.clip_grad > 0) {
    state_.grad_norm = optim::clip_grad_norm(parameters_, options_.train.clip_grad);
  }
  parts_.optimizer.step();
  ++state_.step;
  epoch_metrics_.update(out);
  window_metrics_.update(out);
}

void Trainer::log_step() {
  state_.train = epoch_metrics_.reduced(parts_.group);
  state_.window = window_metrics_.reduced(parts_.group);
  window_metrics_.reset();
  timer_.read_window(state_);
}

void Trainer::finish_epoch() {
  const bool last = state_.epoch + 1 == state_.epochs;
  state_.is_best = false;
  if (last || (state_.epoch + 1) % options_.train.eval_interval == 0) {
    state_.eval = parts_.evaluation.run();
    const double top1 = state_.eval.at("top1");
    if (top1 > state_.best_top1) {
      state_.best_top1 = top1;
      state_.best_epoch = state_.epoch;
      state_.is_best = true;
    }
    for (auto& callback : parts_.callbacks) callback->on_validation_end(state_);
  }
  for (auto& callback : parts_.callbacks) callback->on_epoch_end(state_);
  ++state_.epoch;
  state_.batch = 0;
}

}  // namespace dtrain::train
