// A training without a trainer: calls hooks in the trainer's order, with numbers that follow from
// the step.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"
#include "train/callback.h"
#include "util/atomic_file.h"
#include "util/log.h"

namespace dtrain::testing {

// Four epochs of three steps. The middle step of an epoch is one that is not logged.
struct TrainingByHand {
  static constexpr int64_t kEpochs = 4, kSteps = 3, kAll = kEpochs * kSteps;

  std::set<int64_t> best = {};           // epochs whose evaluation is the best so far
  std::set<int64_t> not_evaluated = {};  // epochs without one

  // Where a training stands after `step` updates, at the start of an epoch rather than at an end.
  static train::TrainState after(int64_t step) {
    train::TrainState state;
    state.epochs = kEpochs;
    state.steps_per_epoch = kSteps;
    state.global_batch_size = 8;
    state.epoch = step / kSteps;
    state.batch = step % kSteps;
    set_step(state, step);
    return state;
  }

  // Where a checkpoint before the evaluation of the epoch that ends with `step` stands.
  static train::TrainState before_evaluation(int64_t step) {
    train::TrainState state = after(step);
    --state.epoch;
    state.batch = kSteps;
    return state;
  }

  // From `from` updates to `to`, or until a callback asks to stop; as after a kill, the training
  // does not end there: that is `callback->on_train_end(state, requests)`.
  train::TrainState run(const std::vector<train::Callback*>& callbacks,
                        int64_t from = 0,
                        int64_t to = kAll) const {
    return run(callbacks, after(from), to);
  }

  train::TrainState run(const std::vector<train::Callback*>& callbacks,
                        train::TrainState state,
                        int64_t to = kAll) const {
    train::Requests requests;
    for (auto* callback : callbacks) callback->on_train_start(state, requests);
    if (state.is_evaluation_pending()) finish_epoch(callbacks, state, requests);
    bool starts = true;
    while (state.step < to && requests.pending() < train::Wish::kStop) {
      if (starts) {
        for (auto* callback : callbacks) callback->on_epoch_start(state, requests);
      }
      ++state.batch;
      set_step(state, state.step + 1);
      state.metrics_are_fresh = state.batch != 2;
      for (auto* callback : callbacks) callback->on_step_end(state, requests);
      starts = state.batch == kSteps;
      if (starts) finish_epoch(callbacks, state, requests);
    }
    state.granted = requests.pending();
    return state;
  }

 private:
  void finish_epoch(const std::vector<train::Callback*>& callbacks,
                    train::TrainState& state,
                    train::Requests& requests) const {
    state.is_best = best.count(state.epoch) > 0;
    if (not_evaluated.count(state.epoch) == 0) {
      for (auto* callback : callbacks) callback->on_validation_start(state, requests);
      state.best.evaluations_since = state.is_best ? 0 : state.best.evaluations_since + 1;
      if (state.is_best) state.best.epoch = state.epoch;
      for (auto* callback : callbacks) callback->on_validation_end(state, requests);
    }
    state.epoch_is_over = true;
    for (auto* callback : callbacks) callback->on_epoch_end(state, requests);
    ++state.epoch;
    state.batch = 0;
    state.epoch_is_over = false;
  }

  static void set_step(train::TrainState& state, int64_t step) {
    const auto value = static_cast<double>(step);
    state.step = step;
    state.lr = 1 / (value + 1);
    state.train = {{"loss", 20 - value}, {"top1", value}, {"top5", 2 * value}};
    state.window = {{"loss", 20.5 - value}, {"top1", value + 0.5}, {"top5", 2 * value + 0.5}};
    state.eval = {{"loss", 19 - value}, {"top1", value + 1}, {"top5", 2 * value + 1}};
    state.images_per_second = state.mean_images_per_second = 100;
  }
};

// What this process logs while it lives.
class CapturedLog {
 public:
  CapturedLog() { util::log().add_file(folder_ / "log.txt"); }
  ~CapturedLog() { util::log().remove_files(); }
  std::string text() const { return util::read_file(folder_ / "log.txt"); }

 private:
  TempFolder folder_;
};

}  // namespace dtrain::testing
