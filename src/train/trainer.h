// The training loop: epochs of steps over a loader, with hooks around them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/device_prefetcher.h"
#include "dist/gradient_reducer.h"
#include "dist/process_group.h"
#include "metrics/metric_set.h"
#include "nn/classifier.h"
#include "optim/lr_schedule.h"
#include "optim/optimizer.h"
#include "tasks/task.h"
#include "train/autocast.h"
#include "train/callback.h"
#include "train/evaluation_loop.h"
#include "train/step_timer.h"
#include "train/train_config.h"
#include "train/train_state.h"

namespace dtrain::train {

struct TrainerOptions {
  TrainConfig train;
  Precision precision = Precision::kFloat32;
  int64_t log_interval = 50;  // steps between two reductions of the metrics
  uint64_t seed = 0;
};

// Runs a TrainState from where it stands to its end. Every rank calls the same methods in the same
// order; all collectives of a step are those of the reducer, and of the metrics on a logged step.
class Trainer {
 public:
  // Borrowed: the caller (run/train_run) owns every part and keeps it alive.
  struct Parts {
    nn::Classifier& model;
    tasks::Task& task;
    optim::Optimizer& optimizer;
    const optim::LRSchedule& schedule;
    dist::GradientReducer& reducer;
    const dist::ProcessGroup& group;
    data::DevicePrefetcher& batches;
    EvaluationLoop& evaluation;
    std::vector<std::unique_ptr<Callback>>& callbacks;
  };

  Trainer(TrainerOptions options, TrainState state, Parts parts);

  // From the current state to `state.epochs`, to `max_steps`, or until a callback asks to stop. An
  // Error thrown inside carries epoch and step.
  void run();

  // One update from one batch: forward, backward with overlapped all-reduce, clip, step, schedule.
  // `global_size` is the number of samples of this step over all ranks.
  void train_step(const data::Batch& batch);

  const TrainState& state() const { return state_; }

  // Sums of this epoch's training metrics on this rank: part of a checkpoint, so that the epoch's
  // row is right after a resume in its middle.
  at::Tensor metric_sums() const { return epoch_metrics_.sums(); }
  void restore_metric_sums(const at::Tensor& sums) { epoch_metrics_.set_sums(sums); }

 private:
  void run_epoch();
  void finish_epoch();
  void log_step();
  bool is_finished() const;

  TrainerOptions options_;
  TrainState state_;
  Parts parts_;
  std::vector<at::Tensor> parameters_;
  metrics::MetricSet epoch_metrics_;   // since the epoch began
  metrics::MetricSet window_metrics_;  // since the last log line
  StepTimer timer_;
};

}  // namespace dtrain::train
