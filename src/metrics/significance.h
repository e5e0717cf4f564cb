// Whether a difference between two classifiers on the same samples is more than chance.
#pragma once

#include <cstdint>

namespace dtrain::metrics {

// What McNemar's test says of `only_a` samples that only the first has right and `only_b` that only
// the second has (McNemar 1947).
struct McNemarResult {
  double p_value = 1;  // two-sided
  bool is_exact =
      false;  // from the binomial distribution; else chi-squared with Edwards' correction
};
// Exact below this many samples on which they differ.
inline constexpr int64_t kExactMcNemar = 25;
McNemarResult mcnemar(int64_t only_a, int64_t only_b);

struct Interval {
  double low = 0, high = 0;
};

// Percentile bootstrap of `level` with `resamples` draws. Accuracies are shares.
//
// Note [Resampling counts]
// N samples drawn with replacement fall into the four patterns of right and wrong as a multinomial
// distribution has it, and nothing else of them matters to the two accuracies. So a resample is
// four numbers and not N.
struct BootstrapOptions {
  int64_t resamples = 10'000;
  double level = 0.95;
  uint64_t seed = 0;
};
struct PairCounts {
  int64_t both = 0, only_a = 0, only_b = 0, none = 0;
};
// Of the accuracy of `right` of `samples`.
Interval accuracy_interval(int64_t right, int64_t samples, const BootstrapOptions& options = {});
// Of the second's accuracy less the first's.
Interval difference_interval(const PairCounts& counts, const BootstrapOptions& options = {});

}  // namespace dtrain::metrics
