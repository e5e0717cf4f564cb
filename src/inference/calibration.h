// Temperature scaling: the one number by which logits are divided so that confidences are right
// (Guo et al. 2017, "On Calibration of Modern Neural Networks").
//
//   const LabelledLogits table = read_labelled("validation.h5");
//   const CalibrationReport report = calibrate(table, seed);
//   report.fit.temperature;                              // fitted on all samples
//   report.before.ece, report.after.ece;                 // of a half that was not fitted on
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "metrics/calibration_error.h"

namespace dtrain::inference {

// Samples with a target.
struct LabelledLogits {
  int64_t classes = 0;
  std::vector<int64_t> ids, targets;  // (N)
  std::vector<float> logits;          // (N, K)

  int64_t size() const { return static_cast<int64_t>(targets.size()); }
  std::span<const float> row(int64_t i) const {
    return std::span(logits).subspan(static_cast<size_t>(i * classes),
                                     static_cast<size_t>(classes));
  }
};

// Reads all of a table into memory, as its logits are: the temperature in its header is left alone.
// Error(kData) where no sample has a target.
LabelledLogits read_labelled(const std::filesystem::path& predictions);

struct FittedTemperature {
  double temperature = 1;
  double nll_before = 0, nll_after = 0;  // of the samples that were fitted; never worse
  int64_t samples = 0, iterations = 0;
  std::string problem;  // why it is 1 though something else was looked for; empty: it converged
};

// Minimises the mean negative log-likelihood over t = log(temperature) with L-BFGS, so that the
// temperature is above zero whatever happens, between 0.01 and 100. Where it does not converge, or
// a target has probability zero, the temperature is 1. The result does not depend on `threads`.
FittedTemperature fit_temperature(const LabelledLogits& table, int64_t threads = 1);

struct CalibrationScores {
  double nll = 0, brier = 0, ece = 0, adaptive_ece = 0, top1 = 0;
  std::vector<metrics::ReliabilityBin> bins;  // of equal width
};
CalibrationScores scores_of(const LabelledLogits& table, double temperature);

struct CalibrationReport {
  FittedTemperature fit;   // on all samples: to be used
  FittedTemperature half;  // on one half
  int64_t reported = 0;    // samples of the other half, on which that is
  CalibrationScores before, after;
};
// Halves are drawn with the seed and the samples' ids.
CalibrationReport calibrate(const LabelledLogits& table, uint64_t seed, int64_t threads = 1);

}  // namespace dtrain::inference
