#include "metrics/significance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "util/random.h"

namespace dtrain::metrics {
namespace {

constexpr auto kBootstrapStream = static_cast<util::RandomStream>(90);

// As the standard library's distributions want their numbers.
class Words {
 public:
  using result_type = uint32_t;
  explicit Words(util::CounterRng& rng) : rng_(rng) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() { return rng_.next(); }

 private:
  util::CounterRng& rng_;
};

int64_t binomial(Words& words, int64_t trials, double probability) {
  if (trials == 0 || probability <= 0) return 0;
  if (probability >= 1) return trials;
  return std::binomial_distribution<int64_t>(trials, probability)(words);
}

// The quantile of ordered values as numpy.quantile has it: linear between two.
double quantile(const std::vector<double>& values, double share) {
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
}

template <class Draw>
Interval interval_of(const BootstrapOptions& options, Draw draw) {
  std::vector<double> values;
  for (int64_t i = 0; i < options.resamples; ++i) {
    util::CounterRng rng(options.seed, kBootstrapStream, 0, i);
    Words words(rng);
    values.push_back(draw(words));
  }
  std::sort(values.begin(), values.end());
  const double tail = (1 - options.level) / 2;
  return {quantile(values, tail), quantile(values, 1 - tail)};
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

McNemarResult mcnemar(int64_t only_a, int64_t only_b) {
  const int64_t n = only_a + only_b;
  if (n == 0) return {1, true};
  if (n < kExactMcNemar) {
    double sum = 0, ways = std::ldexp(1.0, -static_cast<int>(n));  // C(n, k) / 2^n
    for (int64_t k = 0; k <= std::min(only_a, only_b); ++k) {
      sum += ways;
      ways *= static_cast<double>(n - k) / static_cast<double>(k + 1);
    }
    return {std::min(1.0, 2 * sum), true};
  }
  const double excess = std::max(0.0, std::abs(static_cast<double>(only_a - only_b)) - 1);
  const double statistic = excess * excess / static_cast<double>(n);
  // The upper tail of the chi-squared distribution with one degree of freedom.
  return {std::erfc(std::sqrt(statistic / 2)), false};
}

Interval accuracy_interval(int64_t right, int64_t samples, const BootstrapOptions& options) {
  if (samples == 0) return {kNaN, kNaN};
  const auto n = static_cast<double>(samples);
  return interval_of(options, [&](Words& words) {
    return static_cast<double>(binomial(words, samples, static_cast<double>(right) / n)) / n;
  });
}

Interval difference_interval(const PairCounts& counts, const BootstrapOptions& options) {
  const int64_t differ = counts.only_a + counts.only_b;
  const int64_t samples = differ + counts.both + counts.none;
  if (samples == 0) return {kNaN, kNaN};
  const auto n = static_cast<double>(samples);
  return interval_of(options, [&](Words& words) {
    const int64_t drawn = binomial(words, samples, static_cast<double>(differ) / n);
    const double share =
        differ == 0 ? 0 : static_cast<double>(counts.only_b) / static_cast<double>(differ);
    const int64_t second = binomial(words, drawn, share);
    return static_cast<double>(2 * second - drawn) / n;
  });
}

}  // namespace dtrain::metrics
