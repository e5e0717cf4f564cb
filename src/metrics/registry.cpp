#include "metrics/registry.h"

#include <algorithm>

#include "config/problems.h"
#include "metrics/accuracy.h"
#include "metrics/class_metrics.h"
#include "metrics/expected_calibration_error.h"
#include "metrics/losses.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::metrics {
namespace {

enum class Better { kLess, kMore };

struct Row {
  const char* name;
  Better better;
  std::unique_ptr<Metric> (*make)(int64_t classes);
};

template <class M>
std::unique_ptr<Metric> plain(int64_t) {
  return std::make_unique<M>();
}

template <class M>
std::unique_ptr<Metric> by_class(int64_t classes) {
  return std::make_unique<M>(classes);
}

template <int64_t K>
std::unique_ptr<Metric> top(int64_t) {
  return std::make_unique<Accuracy>(K);
}

const Row kMetrics[] = {
    {"loss", Better::kLess, plain<MeanLoss>},
    {"top1", Better::kMore, top<1>},
    {"top5", Better::kMore, top<5>},
    {"balanced_accuracy", Better::kMore, by_class<BalancedAccuracy>},
    {"macro_f1", Better::kMore, by_class<MacroF1>},
    {"recall", Better::kMore, by_class<ClassRecall>},
    {"log_loss", Better::kLess, plain<LogLoss>},
    {"ece", Better::kLess, plain<ExpectedCalibrationError>},
};

const Row* find(const std::string& name) {
  const auto* const row = std::find_if(
      std::begin(kMetrics), std::end(kMetrics), [&](const Row& one) { return name == one.name; });
  return row == std::end(kMetrics) ? nullptr : row;
}

}  // namespace

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const Row& row : kMetrics) names.emplace_back(row.name);
  return names;
}

std::vector<std::string> usual_metrics() { return {"loss", "top1", "top5"}; }

std::unique_ptr<Metric> make_metric(const std::string& name,
                                    int64_t classes,
                                    const std::string& field) {
  if (const Row* row = find(name)) return row->make(classes);
  throw config_error(
      field,
      "there is no metric \"" + name + "\"" + config::did_you_mean(name, metric_names()),
      "choose from " + util::joined(metric_names(), ", "));
}

std::string metric_of(const std::string& value) { return value.substr(0, value.find('/')); }

bool more_is_better(const std::string& value) {
  const Row* row = find(metric_of(value));
  return row == nullptr || row->better == Better::kMore;
}

}  // namespace dtrain::metrics
