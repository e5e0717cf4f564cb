// The table of metrics: every name that train.metrics may hold.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "metrics/metric.h"

namespace dtrain::metrics {

std::vector<std::string> metric_names();

// What every training and every evaluation is measured by: loss, top1, top5.
std::vector<std::string> usual_metrics();

// For a classifier of `classes` classes. Throws a config Error, in the name of the setting `field`,
// for a name that is not in the table.
std::unique_ptr<Metric> make_metric(const std::string& name,
                                    int64_t classes,
                                    const std::string& field);

// Of a value's name, "recall/3": the name of its metric, "recall".
std::string metric_of(const std::string& value);

// Whether a larger value is the better one: not for losses and errors.
bool more_is_better(const std::string& value);

}  // namespace dtrain::metrics
