#include "metrics/calibration_error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace dtrain::metrics {
namespace {

class BinSum {
 public:
  void add(const Confidence& sample) {
    ++count_;
    confidence_ += sample.confidence;
    right_ += sample.right;
  }
  ReliabilityBin bin() const {
    if (count_ == 0) return {};
    const auto n = static_cast<double>(count_);
    return {count_, confidence_ / n, static_cast<double>(right_) / n};
  }

 private:
  int64_t count_ = 0, right_ = 0;
  double confidence_ = 0;
};

}  // namespace

std::vector<ReliabilityBin> equal_width_bins(std::span<const Confidence> samples, int64_t bins) {
  std::vector<BinSum> sums(static_cast<size_t>(bins));
  for (const Confidence& sample : samples) {
    const double place = std::ceil(sample.confidence * static_cast<double>(bins)) - 1;
    sums[static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)))].add(sample);
  }
  std::vector<ReliabilityBin> out;
  for (const BinSum& sum : sums) out.push_back(sum.bin());
  return out;
}

std::vector<ReliabilityBin> equal_mass_bins(std::span<const Confidence> samples, int64_t bins) {
  std::vector<int64_t> order(samples.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return samples[static_cast<size_t>(a)].confidence < samples[static_cast<size_t>(b)].confidence;
  });
  const auto n = static_cast<int64_t>(samples.size());
  std::vector<ReliabilityBin> out;
  int64_t at = 0;
  for (int64_t b = 0; b < bins; ++b) {
    BinSum sum;
    for (const int64_t end = at + n / bins + (b < n % bins); at < end; ++at) {
      sum.add(samples[static_cast<size_t>(order[static_cast<size_t>(at)])]);
    }
    out.push_back(sum.bin());
  }
  return out;
}

double calibration_error(std::span<const ReliabilityBin> bins) {
  int64_t samples = 0;
  double sum = 0;
  for (const ReliabilityBin& bin : bins) {
    samples += bin.count;
    sum += static_cast<double>(bin.count) * std::abs(bin.confidence - bin.accuracy);
  }
  return samples == 0 ? std::numeric_limits<double>::quiet_NaN()
                      : sum / static_cast<double>(samples);
}

}  // namespace dtrain::metrics
