#include "metrics/probability_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dtrain::metrics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double value_of(float logit) { return std::isnan(logit) ? -kInfinity : static_cast<double>(logit); }

// Classes that stand before the target by their logit, or with the same one by their number.
int64_t rank_of(std::span<const float> logits, int64_t target) {
  const double own = value_of(logits[static_cast<size_t>(target)]);
  int64_t rank = 0;
  for (size_t k = 0; k < logits.size(); ++k) {
    const double other = value_of(logits[k]);
    rank += other > own || (other == own && static_cast<int64_t>(k) < target);
  }
  return rank;
}

}  // namespace

double log_sum_exp(std::span<const float> logits, double temperature) {
  double top = -kInfinity;
  for (const float logit : logits) top = std::max(top, value_of(logit));
  if (!std::isfinite(top)) return top;
  double sum = 0;
  for (const float logit : logits) sum += std::exp((value_of(logit) - top) / temperature);
  return top / temperature + std::log(sum);
}

double ProbabilityScores::add(std::span<const float> logits, double temperature, int64_t target) {
  const double normaliser = log_sum_exp(logits, temperature);
  const bool is_flat = normaliser == -kInfinity;
  double brier = 0, largest = 0;
  for (size_t k = 0; k < logits.size(); ++k) {
    const double probability = is_flat ? 1.0 / static_cast<double>(logits.size())
                                       : std::exp(value_of(logits[k]) / temperature - normaliser);
    const double truth = static_cast<int64_t>(k) == target ? 1 : 0;
    brier += (probability - truth) * (probability - truth);
    largest = std::max(largest, probability);
  }
  const int64_t rank = rank_of(logits, target);
  brier_ += brier;
  const double nll = is_flat
                         ? std::log(static_cast<double>(logits.size()))
                         : normaliser - value_of(logits[static_cast<size_t>(target)]) / temperature;
  nll_ += nll;
  top1_ += rank < 1;
  top5_ += rank < 5;
  confidences_.push_back({largest, rank == 0});
  return nll;
}

double ProbabilityScores::mean(double sum) const {
  return samples() == 0 ? std::numeric_limits<double>::quiet_NaN()
                        : sum / static_cast<double>(samples());
}

double ProbabilityScores::nll() const { return mean(nll_); }
double ProbabilityScores::brier() const { return mean(brier_); }
double ProbabilityScores::top1() const { return mean(static_cast<double>(top1_)); }
double ProbabilityScores::top5() const { return mean(static_cast<double>(top5_)); }

}  // namespace dtrain::metrics
