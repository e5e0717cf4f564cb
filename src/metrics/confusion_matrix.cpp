#include "metrics/confusion_matrix.h"

#include <limits>
#include <numeric>

namespace dtrain::metrics {
namespace {

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(int64_t classes)
    : classes_(classes), counts_(static_cast<size_t>(classes * classes), 0) {}

int64_t ConfusionMatrix::samples() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
}

double ConfusionMatrix::accuracy() const {
  int64_t right = 0;
  for (int64_t k = 0; k < classes_; ++k) right += count(k, k);
  const int64_t all = samples();
  return all == 0 ? std::numeric_limits<double>::quiet_NaN() : ratio(right, all);
}

ClassScores ConfusionMatrix::of_class(int64_t k) const {
  ClassScores scores;
  int64_t predicted = 0;
  for (int64_t other = 0; other < classes_; ++other) {
    scores.support += count(k, other);
    predicted += count(other, k);
  }
  const int64_t right = count(k, k);
  scores.precision = ratio(right, predicted);
  scores.recall = ratio(right, scores.support);
  scores.f1 = ratio(2 * right, predicted + scores.support);
  return scores;
}

ClassScores ConfusionMatrix::macro() const {
  ClassScores mean;
  for (int64_t k = 0; k < classes_; ++k) {
    const ClassScores scores = of_class(k);
    mean.support += scores.support;
    mean.precision += scores.precision / static_cast<double>(classes_);
    mean.recall += scores.recall / static_cast<double>(classes_);
    mean.f1 += scores.f1 / static_cast<double>(classes_);
  }
  return mean;
}

ClassScores ConfusionMatrix::weighted() const {
  ClassScores mean;
  mean.support = samples();
  for (int64_t k = 0; k < classes_; ++k) {
    const ClassScores scores = of_class(k);
    const double weight = ratio(scores.support, mean.support);
    mean.precision += weight * scores.precision;
    mean.recall += weight * scores.recall;
    mean.f1 += weight * scores.f1;
  }
  return mean;
}

}  // namespace dtrain::metrics
