// The training loop: epochs of updates over a loader, with hooks around them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "data/loader/device_prefetcher.h"
#include "dist/buffer_average.h"
#include "dist/gradient_sync.h"
#include "dist/process_group.h"
#include "metrics/metric_set.h"
#include "nn/classifier.h"
#include "nn/virtual_shards.h"
#include "optim/ema.h"
#include "optim/lr_schedule.h"
#include "optim/optimizer.h"
#include "tasks/task.h"
#include "train/autocast.h"
#include "train/callback.h"
#include "train/evaluation_loop.h"
#include "train/grad_scaler.h"
#include "train/step_timer.h"
#include "train/train_config.h"
#include "train/train_state.h"
#include "train/update_guard.h"

namespace dtrain::train {

struct TrainerOptions {
  TrainConfig train;
  Precision precision = Precision::kFloat32;
  int64_t log_interval = 50;  // updates between two reductions of the metrics
  uint64_t seed = 0;
};

// Where a training stood when it was saved, beyond what the parts hold themselves.
struct Restored {
  TrainState state;
  at::Tensor metric_sums;  // undefined at the start of an epoch
};

// Runs a TrainState from where it stands to its end. Every rank calls the same methods in the same
// order. The collectives of an update are those of the gradients and of batch norm, on `group`, and
// one vote on `control`; metrics are reduced, on `control`, when they are logged.
class Trainer {
 public:
  // Borrowed: the caller (run/train_run) owns every part and keeps it alive.
  struct Parts {
    nn::Classifier& model;
    tasks::Task& task;
    optim::Optimizer& optimizer;
    const optim::LRSchedule& schedule;
    dist::GradientSync& gradients;
    GradScaler& scaler;
    UpdateGuard& guard;
    const dist::ProcessGroup& group;
    const dist::ProcessGroup& control;
    data::DevicePrefetcher& batches;
    EvaluationLoop& evaluation;
    std::vector<std::unique_ptr<Callback>>& callbacks;
    nn::VirtualShards* shards = nullptr;     // of the deterministic world
    optim::ModelEma* ema = nullptr;          // evaluated in place of the model
    dist::BufferAverage* buffers = nullptr;  // of batch norm that is not synchronised
    // Goes back to the last checkpoint: sets all parts and says where it stood; nothing when there
    // is none yet. For the policy `rollback`.
    std::function<std::optional<Restored>()> roll_back = {};
  };

  Trainer(TrainerOptions options, TrainState state, Parts parts);

  // From the current state to `state.epochs`, to `max_steps`, or until a callback asks to stop. An
  // Error thrown inside carries epoch and step.
  void run();

  // One update from the next micro-batches: forward and backward of each, the reduction overlapping
  // the last backward; unscale, agree, clip, step. False: the policy wants to go back, and the
  // state is as before.
  bool train_step();

  const TrainState& state() const { return state_; }

  // Sums of this epoch's training metrics on this rank: part of a checkpoint, so that the epoch's
  // row is right after a resume in its middle.
  at::Tensor metric_sums() const { return epoch_metrics_.sums(); }
  void restore_metric_sums(const at::Tensor& sums) { epoch_metrics_.set_sums(sums); }

 private:
  void run_epoch();
  void forward_backward(const data::Batch& batch, int64_t samples);
  bool update_weights();
  void move_loss_scale(bool fits);
  void finish_epoch();
  void evaluate();
  void roll_back();
  void log_step();
  bool is_finished() const;

  TrainerOptions options_;
  TrainState state_;
  Parts parts_;
  std::vector<at::Tensor> parameters_;
  std::vector<tasks::TaskOutput> outputs_;  // of this update's micro-batches
  metrics::MetricSet epoch_metrics_;        // since the epoch began
  metrics::MetricSet window_metrics_;       // since the last log line
  StepTimer timer_;
};

}  // namespace dtrain::train
