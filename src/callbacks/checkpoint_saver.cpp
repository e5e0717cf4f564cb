// When the training is saved.
#include "callbacks/checkpoint_saver.h"

#include <utility>

#include "util/log.h"

namespace dtrain::callbacks {

CheckpointSaver::CheckpointSaver(const checkpoint::CheckpointConfig& config,
                                 std::optional<checkpoint::CheckpointStore> store,
                                 Snapshot snapshot)
    : config_(config), store_(std::move(store)), snapshot_(std::move(snapshot)) {}

void CheckpointSaver::on_train_start(const train::TrainState& state, train::Requests&) {
  saved_step_ = state.step;
  saved_before_evaluation_ = state.is_evaluation_pending();
}

bool CheckpointSaver::is_due_by_step(const train::TrainState& state) const {
  return config_.save_every_steps > 0 && state.step % config_.save_every_steps == 0;
}

void CheckpointSaver::on_step_end(const train::TrainState& state, train::Requests&) {
  // The last step of an epoch is saved when the epoch ends.
  if (state.batch == state.steps_per_epoch) return;
  if (is_due_by_step(state) || state.granted == train::Wish::kSave) save(state, false);
}

// An evaluation can take long, and a training that ends in it must not lose its epoch.
void CheckpointSaver::on_validation_start(const train::TrainState& state, train::Requests&) {
  if (state.step != saved_step_) save(state, false);
}

void CheckpointSaver::on_epoch_end(const train::TrainState& state, train::Requests&) {
  const bool last = state.epoch + 1 == state.epochs;
  const bool due =
      config_.save_every_epochs > 0 && (state.epoch + 1) % config_.save_every_epochs == 0;
  const bool best = state.is_best && config_.keep_best;
  const bool asked = state.granted == train::Wish::kSave;  // at the last step
  if (due || is_due_by_step(state) || last || best || asked) save(state, best);
}

void CheckpointSaver::on_train_end(const train::TrainState& state, train::Requests&) {
  const bool lacks_evaluation = saved_before_evaluation_ && !state.is_evaluation_pending();
  if (state.step != saved_step_ || lacks_evaluation) save(state, false);
}

void CheckpointSaver::save(const train::TrainState& state, bool is_best) {
  const checkpoint::CheckpointData data = snapshot_(state);
  saved_step_ = state.step;
  saved_before_evaluation_ = state.is_evaluation_pending();
  if (!store_) return;
  const auto saved = checkpoint::save_checkpoint(*store_, data, is_best);
  for (const auto& warning : saved.warnings) util::log_warning(warning);
}

}  // namespace dtrain::callbacks
