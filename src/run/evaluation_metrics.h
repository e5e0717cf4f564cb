// The metrics that a training is evaluated by.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metrics/metric_set.h"
#include "train/train_config.h"

namespace dtrain::run {

// Loss, top-1, top-5, those of train.metrics, and the one of train.best_metric, for a classifier of
// `classes` classes. Throws Error(kConfig) for names that mean nothing, such as the recall of a
// class that there is none of.
metrics::MetricSet evaluation_metrics(const train::TrainConfig& config, int64_t classes);

// Of the values that those metrics name, the ones that not every training has.
std::vector<std::string> further_metrics(const std::vector<std::string>& values);

}  // namespace dtrain::run
