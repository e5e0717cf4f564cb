// Ends a training early whose evaluation would fail.
#pragma once

#include <functional>

#include "data/loader/background_check.h"
#include "train/callback.h"

namespace dtrain::callbacks {

// Looks after each update at what the background check of the evaluation split has found: a bad
// sample ends the training in its first minute and not behind its first epoch. Evaluation takes
// every sample, so it stops at a bad one whatever loader.bad_samples says. Throws Error(kData) on
// the rank that has found one.
class EvaluationCheck : public train::Callback {
 public:
  using Found = std::function<data::BackgroundCheck::Found()>;

  explicit EvaluationCheck(Found found) : found_(std::move(found)) {}
  void on_step_end(const train::TrainState&, train::Requests&) override;
  void on_validation_start(const train::TrainState&, train::Requests&) override;

 private:
  void look();

  Found found_;
  bool is_over_ = false;
};

}  // namespace dtrain::callbacks
