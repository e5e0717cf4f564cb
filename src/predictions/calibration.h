// Temperature scaling: the one number by which logits are divided so that confidences are right
// (Guo et al. 2017, "On Calibration of Modern Neural Networks").
//
//   const LabelledLogits table = read_labelled("validation.h5");
//   const CalibrationReport report = calibrate(table, seed);
//   report.fit.temperature;                              // fitted on all samples
//   report.before.ece, report.after.ece;                 // of a half that was not fitted on
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "metrics/calibration_error.h"
#include "predictions/labelled_logits.h"

namespace dtrain::predictions {

struct FittedTemperature {
  double temperature = 1;
  double nll_before = 0, nll_after = 0;  // of the samples that were fitted; never worse
  int64_t samples = 0, iterations = 0;
  std::string problem;  // why it is 1 though something else was looked for; empty: it is the best
};

// Minimises the mean negative log-likelihood over t = log(temperature) with L-BFGS, so that the
// temperature is above zero whatever happens. It is 1, for a reason that stands in `problem`, where
// the best one is not between 0.01 and 100 (of samples that are all right the lowest is), the
// search does not converge, the NLL would get worse, or a target has probability zero. The result
// does not depend on `threads`. Reads the table some ten to twenty times.
FittedTemperature fit_temperature(const LabelledLogits& table, int64_t threads = 1);

// The mean NLL at 1 / temperature = u, and its derivative by u, which never falls as u rises.
struct NllPoint {
  double nll = 0, slope = 0;
};
// The same of any such curve; `samples` is left 0.
FittedTemperature fit_temperature(const std::function<NllPoint(double u)>& curve);

struct CalibrationScores {
  double nll = 0, brier = 0, ece = 0, adaptive_ece = 0, top1 = 0;
  std::vector<metrics::ReliabilityBin> bins;  // of equal width
};
CalibrationScores scores_of(const LabelledLogits& table, double temperature, int64_t threads = 1);

struct CalibrationReport {
  FittedTemperature fit;   // on all samples: to be used
  FittedTemperature half;  // on one half
  int64_t reported = 0;    // samples of the other half, on which that is
  CalibrationScores before, after;
};
// Halves are drawn with the seed and the samples' ids. Where the temperature of one half makes the
// other's NLL worse, or both its ECE and its Brier score, fit.temperature is 1 and fit.problem has
// the numbers before and after.
CalibrationReport calibrate(const LabelledLogits& table, uint64_t seed, int64_t threads = 1);

}  // namespace dtrain::predictions
