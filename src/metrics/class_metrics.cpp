// Metrics that weigh classes alike.
#include "metrics/class_metrics.h"

#include <ATen/ATen.h>

#include <limits>

#include "metrics/confusion_matrix.h"

namespace dtrain::metrics {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

ConfusionMatrix matrix_of(std::span<const double> sums, int64_t classes) {
  ConfusionMatrix matrix(classes);
  for (int64_t target = 0; target < classes; ++target) {
    for (int64_t predicted = 0; predicted < classes; ++predicted) {
      const double count = sums[static_cast<size_t>(target * classes + predicted)];
      matrix.add(target, predicted, static_cast<int64_t>(count));
    }
  }
  return matrix;
}

double recall(const ConfusionMatrix& matrix, int64_t k) {
  const ClassScores one = matrix.of_class(k);
  return one.support == 0 ? kNone : 100.0 * one.recall;
}

}  // namespace

void ClassMetric::update(const Seen& seen, const at::Tensor& sums) const {
  const at::NoGradGuard no_grad;
  // Of equals torch's argmax takes the lowest class.
  const at::Tensor cells = seen.targets * classes_ + without_nan(seen.logits).argmax(1);
  sums.index_add_(0, cells, at::ones(cells.sizes(), sums.options()));
}

void BalancedAccuracy::values(std::span<const double> sums, Values& out) const {
  const ConfusionMatrix matrix = matrix_of(sums, classes_);
  double total = 0, occurring = 0;
  for (int64_t k = 0; k < classes_; ++k) {
    if (matrix.of_class(k).support == 0) continue;
    total += recall(matrix, k);
    ++occurring;
  }
  out[name()] = occurring > 0 ? total / occurring : kNone;
}

void MacroF1::values(std::span<const double> sums, Values& out) const {
  const ConfusionMatrix matrix = matrix_of(sums, classes_);
  out[name()] = matrix.samples() > 0 ? 100.0 * matrix.macro().f1 : kNone;
}

void ClassRecall::values(std::span<const double> sums, Values& out) const {
  const ConfusionMatrix matrix = matrix_of(sums, classes_);
  for (int64_t k = 0; k < classes_; ++k) {
    out[name() + "/" + std::to_string(k)] = recall(matrix, k);
  }
}

}  // namespace dtrain::metrics
