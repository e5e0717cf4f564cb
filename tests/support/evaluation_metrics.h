// The metrics that every training is evaluated by.
#pragma once

#include "run/evaluation_metrics.h"

namespace dtrain::testing {

inline metrics::MetricSet usual_metrics(int64_t classes) {
  return run::evaluation_metrics(train::TrainConfig{}, classes);
}

}  // namespace dtrain::testing
