// How far confidences are from accuracies, while training.
#include "metrics/expected_calibration_error.h"

#include <ATen/ATen.h>

#include <vector>

#include "metrics/calibration_error.h"

namespace dtrain::metrics {

int64_t ExpectedCalibrationError::width() const { return 3 * kCalibrationBins; }

void ExpectedCalibrationError::update(const Seen& seen, const at::Tensor& sums) const {
  const at::NoGradGuard no_grad;
  const at::Tensor confidences = at::amax(at::softmax(seen.logits.to(at::kDouble), 1), 1);
  const at::Tensor right = ranks_of_targets(seen.logits, seen.targets).eq(0).to(at::kDouble);
  // Bin b has the confidences in (b / B, (b + 1) / B].
  const at::Tensor bins = (confidences * static_cast<double>(kCalibrationBins))
                              .ceil_()
                              .sub_(1)
                              .nan_to_num_(0)  // its confidence makes the sum NaN all the same
                              .clamp_(0, static_cast<double>(kCalibrationBins - 1))
                              .to(at::kLong);
  const at::Tensor table = sums.view({3, kCalibrationBins});
  table[0].index_add_(0, bins, at::ones_like(confidences));
  table[1].index_add_(0, bins, confidences);
  table[2].index_add_(0, bins, right);
}

void ExpectedCalibrationError::values(std::span<const double> sums, Values& out) const {
  std::vector<ReliabilityBin> bins(static_cast<size_t>(kCalibrationBins));
  for (size_t b = 0; b < bins.size(); ++b) {
    const double count = sums[b];
    if (count == 0) continue;
    bins[b] = {static_cast<int64_t>(count),
               sums[bins.size() + b] / count,
               sums[2 * bins.size() + b] / count};
  }
  out[name()] = calibration_error(bins);
}

}  // namespace dtrain::metrics
