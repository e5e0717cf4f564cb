// Saves the training before each evaluation, at the end of epochs, every so many steps, where it is
// asked for, and when it ends.
#pragma once

#include <functional>
#include <optional>

#include "checkpoint/checkpoint.h"
#include "checkpoint/checkpoint_config.h"
#include "train/callback.h"

namespace dtrain::callbacks {

// Put it last among the callbacks: what the others write about an epoch must be on disk before the
// checkpoint that says the epoch is done.
class CheckpointSaver : public train::Callback {
 public:
  // The training as it stands, once it is known to be worth saving; collective, so called on every
  // rank.
  using Snapshot = std::function<checkpoint::CheckpointData(const train::TrainState&)>;

  // `store` is given on rank 0, which writes; the other ranks only take part in the snapshot.
  CheckpointSaver(const checkpoint::CheckpointConfig& config,
                  std::optional<checkpoint::CheckpointStore> store,
                  Snapshot snapshot);

  void on_train_start(const train::TrainState& state, train::Requests&) override;
  void on_step_end(const train::TrainState& state, train::Requests&) override;
  void on_validation_start(const train::TrainState& state, train::Requests&) override;
  void on_epoch_end(const train::TrainState& state, train::Requests&) override;
  void on_train_end(const train::TrainState& state, train::Requests&) override;

 private:
  bool is_due_by_step(const train::TrainState& state) const;
  void save(const train::TrainState& state, bool is_best);

  checkpoint::CheckpointConfig config_;
  std::optional<checkpoint::CheckpointStore> store_;
  Snapshot snapshot_;
  int64_t saved_step_ = 0;  // nothing to save before the first step
  bool saved_before_evaluation_ = false;
};

}  // namespace dtrain::callbacks
