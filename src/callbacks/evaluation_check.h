// Ends a training early whose evaluation would fail.
#pragma once

#include <functional>

#include "data/loader/background_check.h"
#include "train/callback.h"

namespace dtrain::callbacks {

// Looks after each update at what the background check of a split has found, so that a bad sample
// ends the training in its first minute and not after its first epoch. Evaluation takes every
// sample, and stops at a bad one whatever loader.bad_samples says. The rank that found one first
// asks for a checkpoint, and throws Error(kData) after the next update; at the start of an
// evaluation, for which a checkpoint exists, it throws at once. Add it after the CheckpointSaver.
class EvaluationCheck : public train::Callback {
 public:
  using Found = std::function<data::BackgroundCheck::Found()>;

  explicit EvaluationCheck(Found found) : found_(std::move(found)) {}
  void on_step_end(const train::TrainState&, train::Requests&) override;
  void on_validation_start(const train::TrainState&, train::Requests&) override;

 private:
  // Null: there is no time to ask for a checkpoint.
  void look(train::Requests* requests);

  Found found_;
  bool has_asked_ = false;  // for a checkpoint
  bool is_over_ = false;
};

}  // namespace dtrain::callbacks
