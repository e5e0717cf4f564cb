// How far confidences are from accuracies.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dtrain::metrics {

// A sample as calibration sees it.
struct Confidence {
  double confidence = 0;  // the largest probability
  bool right = false;     // that class is the target
};

struct ReliabilityBin {
  int64_t count = 0;
  double confidence = 0, accuracy = 0;  // means; 0 in an empty bin
};

inline constexpr int64_t kCalibrationBins = 15;

// Bins of equal width: bin b has the confidences in (b / B, (b + 1) / B], 0 is in the first
// (Guo et al. 2017, "On Calibration of Modern Neural Networks").
std::vector<ReliabilityBin> equal_width_bins(std::span<const Confidence> samples,
                                             int64_t bins = kCalibrationBins);

// Bins of equal mass: samples ordered by confidence, those of the same confidence in the order they
// come in, cut as numpy.array_split does: the first N mod B bins have one more (Nguyen and
// O'Connor 2015).
std::vector<ReliabilityBin> equal_mass_bins(std::span<const Confidence> samples,
                                            int64_t bins = kCalibrationBins);

// The mean of |confidence - accuracy| over samples: ECE of equal_width_bins(), adaptive ECE of
// equal_mass_bins(). NaN without samples.
double calibration_error(std::span<const ReliabilityBin> bins);

}  // namespace dtrain::metrics
