// Weights of the members of a vote, from their predictions of validation samples with targets.
//
// Note [Weights of a mixture]
// The mixture's negative log-likelihood (NLL) is convex in the weights, and with the mean over
// samples r_m = mean(p_m / sum_j w_j p_j), p_m a member's probability of the target, its gradient
// is -r. Replacing w_m by w_m r_m never makes it worse (expectation maximisation), and it cannot
// be more than max(r) - 1 above the least there is. So that number says when to stop, and whether
// the weights are right.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace dtrain::predictions {

struct FittedWeights {
  std::vector<double> weights;  // >= 0, their sum is 1
  double nll = 0, uniform_nll = 0;
  double gap = 0;  // nll is at most so much above the least
};

inline constexpr double kLargestWeightGap = 1e-6;

// `probabilities` of the targets, (n, M) in [0, 1]. Throws Error(kData) when the gap does not fall
// to kLargestWeightGap.
FittedWeights fit_weights(std::span<const double> probabilities, int64_t members);

// The same from files, each at its temperature: of `temperatures`, or, where that is empty, of the
// file. Samples without a target do not count; Error(kData) when none has one.
FittedWeights fitted_weights(const std::vector<std::filesystem::path>& validation,
                             const std::vector<double>& temperatures = {});

// Proportional to the accuracy, with 1 as their sum.
std::vector<double> accuracy_weights(const std::vector<std::filesystem::path>& validation);

}  // namespace dtrain::predictions
