// Where a training stands: what callbacks see and what a checkpoint restores.
#pragma once

#include <cstdint>
#include <optional>

#include "metrics/values.h"
#include "train/best.h"
#include "train/requests.h"

namespace dtrain::train {

using MetricValues = metrics::Values;

struct TrainState {
  // Fixed for the run.
  int64_t epochs = 0;
  int64_t steps_per_epoch = 0;
  int64_t global_batch_size = 0;
  int64_t ranks = 1;

  // Progress. `epoch` counts from 0; `batch` is the number of steps done in it; `step` is the
  // number of steps since the training began, over all resumes. A step is one optimizer update,
  // made or, where it was not finite, skipped.
  int64_t epoch = 0;
  int64_t batch = 0;
  int64_t step = 0;
  bool epoch_is_over = false;  // its evaluation, where it has one, included

  // All steps of the epoch are done, its evaluation or its end is not.
  bool is_evaluation_pending() const { return batch >= steps_per_epoch && !epoch_is_over; }

  double lr = 0.0;
  double grad_norm = 0.0;  // before clipping
  double loss_scale = 1.0;
  int64_t skipped_updates = 0;  // so far

  // Mean over the epoch so far; over the steps since the last log line; of the last evaluation. The
  // first two are brought up to date only when `metrics_are_fresh`, since reading them is a
  // collective.
  MetricValues train, window, eval;
  bool metrics_are_fresh = false;

  Best best;
  bool is_best = false;  // the evaluation that just ended is the best so far

  // Seconds since the training began, and their parts within the window of the last log line.
  double images_per_second = 0.0;       // over all ranks, this window
  double step_seconds = 0.0;            // mean, this window
  double data_seconds = 0.0;            // mean wait for a batch, this window
  std::optional<double> comm_seconds;   // mean wait for other ranks, this window; not on GPUs
  double mean_images_per_second = 0.0;  // over all ranks, this epoch
  double mean_step_seconds = 0.0;       // this epoch

  Wish granted = Wish::kNothing;  // what the ranks agreed on last
};

}  // namespace dtrain::train
