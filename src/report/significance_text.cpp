#include "report/significance_text.h"

#include "metrics/significance.h"
#include "util/text.h"

namespace dtrain::report {
namespace {

std::string interval_text(const metrics::Interval& interval, const char* format) {
  return util::number(100 * interval.low, format) + " to " +
         util::number(100 * interval.high, format);
}

}  // namespace

std::string accuracy_interval_text(int64_t right, int64_t samples) {
  if (samples == 0) return "-";
  return interval_text(metrics::accuracy_interval(right, samples), "%.3f");
}

std::string difference_text(const predictions::PairedCounts& counts) {
  const int64_t samples =
      counts.both_right + counts.only_member + counts.only_ensemble + counts.none_right;
  const auto interval = metrics::difference_interval(
      {counts.both_right, counts.only_member, counts.only_ensemble, counts.none_right});
  const auto test = metrics::mcnemar(counts.only_member, counts.only_ensemble);
  const double gain = double(counts.only_ensemble - counts.only_member) / double(samples);
  return util::number(100 * gain, "%+.3f") + " points, 95 % interval " +
         interval_text(interval, "%+.3f") + "; right alone: " + std::to_string(counts.only_member) +
         " and " + std::to_string(counts.only_ensemble) + "; McNemar's test" +
         (test.is_exact ? " (exact)" : "") + ": p = " + util::number(test.p_value, "%.2g");
}

}  // namespace dtrain::report
