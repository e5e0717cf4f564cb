#include "run/evaluation_metrics.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "metrics/registry.h"
#include "util/check.h"

namespace dtrain::run {
namespace {

constexpr const char* kMetricsField = "train.metrics";
constexpr const char* kBestField = "train.best_metric";

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

metrics::MetricSet evaluation_metrics(const train::TrainConfig& config, int64_t classes) {
  std::vector<std::unique_ptr<metrics::Metric>> all;
  std::vector<std::string> taken;
  const auto add = [&](const std::string& name, const char* field) {
    if (contains(taken, name)) return;
    all.push_back(metrics::make_metric(name, classes, field));
    taken.push_back(name);
  };
  for (const std::string& name : metrics::usual_metrics()) add(name, kMetricsField);
  for (const std::string& name : config.metrics) add(name, kMetricsField);
  add(metrics::metric_of(config.best_metric), kBestField);

  metrics::MetricSet set(std::move(all));
  if (!contains(set.value_names(), config.best_metric)) {
    throw config_error(kBestField,
                       "is " + config.best_metric + ", which no evaluation gives",
                       "name one value, such as top1, or recall/0 to recall/" +
                           std::to_string(classes - 1) + " for the recall of one class");
  }
  return set;
}

std::vector<std::string> further_metrics(const std::vector<std::string>& values) {
  std::vector<std::string> further;
  for (const std::string& name : values) {
    if (!contains(metrics::usual_metrics(), name)) further.push_back(name);
  }
  return further;
}

}  // namespace dtrain::run
