// Metrics of a model over a whole data set: every sample counted once, over all ranks.
#pragma once

#include "data/loader/device_prefetcher.h"
#include "dist/process_group.h"
#include "metrics/metric_set.h"
#include "nn/classifier.h"
#include "tasks/task.h"
#include "train/autocast.h"
#include "train/train_state.h"

namespace dtrain::train {

// Each rank runs its own share, which may differ in size by one sample; there is no collective but
// the one sum of the metrics at the end, so shares of different length cannot hang. Batch norm uses
// its running statistics.
class EvaluationLoop {
 public:
  EvaluationLoop(nn::Classifier& model,
                 tasks::Task& task,
                 data::DevicePrefetcher& batches,
                 const dist::ProcessGroup& control,
                 Precision precision,
                 metrics::MetricSet metrics);

  // The metrics over all samples of all ranks; the same values on every rank. Leaves the model in
  // training mode.
  MetricValues run();

 private:
  nn::Classifier& model_;
  tasks::Task& task_;
  data::DevicePrefetcher& batches_;
  const dist::ProcessGroup& control_;
  Precision precision_;
  metrics::MetricSet metrics_;
};

}  // namespace dtrain::train
