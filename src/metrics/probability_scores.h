// How good probabilities are, from logits that come sample by sample.
//
//   ProbabilityScores scores;
//   scores.add(logits, temperature, target);
//   scores.nll(); calibration_error(equal_width_bins(scores.confidences()));
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metrics/calibration_error.h"

namespace dtrain::metrics {

// log(sum(exp(logits / temperature))); -inf where all are -inf, which are taken as such.
double log_sum_exp(std::span<const float> logits, double temperature);

class ProbabilityScores {
 public:
  // A sample's logits (K), what they are divided by, and its target, a class. Computed in double.
  // NaN counts as -inf, and a row of -inf as the same probability for all. Returns the sample's
  // negative log-likelihood.
  double add(std::span<const float> logits, double temperature, int64_t target);

  int64_t samples() const { return static_cast<int64_t>(confidences_.size()); }
  // Means over samples, NaN without any.
  double nll() const;    // -log of the target's probability; infinite where that is 0
  double brier() const;  // sum over classes of (probability - one if it is the target)^2
  // Share of samples whose target is among the k largest logits, of equals the lowest class first.
  double top1() const;
  double top5() const;
  const std::vector<Confidence>& confidences() const { return confidences_; }

 private:
  double mean(double sum) const;

  double nll_ = 0, brier_ = 0;
  int64_t top1_ = 0, top5_ = 0;
  std::vector<Confidence> confidences_;
};

}  // namespace dtrain::metrics
