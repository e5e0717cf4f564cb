#include "report/cross_validation_text.h"

#include <algorithm>

#include "report/numbers.h"

namespace dtrain::report {

std::string cross_validation_text(const predictions::CrossValidation& result) {
  const auto accuracies = result.accuracies();
  const auto [low, high] = std::minmax_element(accuracies.begin(), accuracies.end());
  return "Cross-validation of " + result.name + ": " + percent(result.accuracy()) + " % of " +
         std::to_string(result.labelled()) + " samples are right where they were held out; " +
         std::to_string(result.folds.size()) + " folds from " + percent(*low) + " to " +
         percent(*high) + " %, standard deviation " + percent(result.deviation()) + " points";
}

}  // namespace dtrain::report
