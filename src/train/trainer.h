// The training loop: epochs of updates over a loader, with hooks around them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "data/loader/device_prefetcher.h"
#include "dist/process_group.h"
#include "metrics/metric_set.h"
#include "optim/schedule.h"
#include "tasks/task.h"
#include "train/autocast.h"
#include "train/callback.h"
#include "train/evaluation_loop.h"
#include "train/learner.h"
#include "train/requests.h"
#include "train/step_timer.h"
#include "train/train_config.h"
#include "train/train_state.h"
#include "train/update_guard.h"

namespace dtrain::train {

struct TrainerOptions {
  TrainConfig train;
  int64_t log_interval = 50;  // updates between two reductions of the metrics
  uint64_t seed = 0;
};

// Runs a TrainState from where it stands to its end. Every rank calls the same methods in the same
// order. The collectives of an update are those of the gradients and of batch norm, on `group`, and
// one exchange of findings on `control`; metrics are reduced, on `control`, when they are logged.
class Trainer {
 public:
  // Borrowed: the caller (run/train_run) owns every part and keeps it alive.
  struct Parts {
    Learner& learner;
    tasks::Task& task;
    optim::Schedule& schedule;
    UpdateGuard& guard;
    const dist::ProcessGroup& group;
    const dist::ProcessGroup& control;
    data::DevicePrefetcher& batches;
    EvaluationLoop& evaluation;
    std::vector<std::unique_ptr<Callback>>& callbacks;
    // Goes back to the last checkpoint: sets all parts and says where it stood; nothing when there
    // is none yet. For the policy `rollback`.
    std::function<std::optional<TrainState>()> roll_back = {};
  };

  Trainer(TrainerOptions options, TrainState state, Parts parts);

  // Stands where `state` says; the parts have been given what they had there.
  void resume_from(TrainState state) { state_ = std::move(state); }

  // From the current state to `state.epochs`, to `max_steps`, or until the ranks agree to stop;
  // says what they agreed on. An Error thrown inside carries epoch and step.
  Wish run();

  // One update from the next micro-batches: forward and backward of each, the reduction overlapping
  // the last backward; unscale, agree, clip, step. False: the policy wants to go back, and the
  // state is as before.
  bool train_step();

  const TrainState& state() const { return state_; }

  // Sums of this epoch's training metrics on this rank: part of a checkpoint, so that the epoch's
  // row is right after a resume in its middle.
  state::Stateful& metrics() { return epoch_metrics_; }

 private:
  using Hook = void (Callback::*)(const TrainState&, Requests&);
  void tell(Hook hook);
  void agree();
  void run_epoch();
  bool run_steps();
  bool update_weights();
  void move_loss_scale(bool fits);
  void finish_epoch();
  void evaluate();
  bool is_evaluated_now() const;
  void roll_back();
  void log_step();
  bool is_finished() const;

  TrainerOptions options_;
  TrainState state_;
  Parts parts_;
  Requests requests_;
  std::vector<tasks::TaskOutput> outputs_;  // of this update's micro-batches
  metrics::MetricSet epoch_metrics_;        // since the epoch began
  metrics::MetricSet window_metrics_;       // since the last log line
  StepTimer timer_;
};

}  // namespace dtrain::train
