// Accuracies with what chance may have to do with them, in words.
#pragma once

#include <cstdint>
#include <string>

#include "predictions/vote_statistics.h"

namespace dtrain::report {

// "81.200 to 83.900": 95 % of the accuracy in percent, by bootstrap; "-" without samples.
std::string accuracy_interval_text(int64_t right, int64_t samples);

// "+1.200 points, 95 % interval +0.300 to +2.100; right alone: 40 and 52; McNemar's test: p =
// 0.01": the second ("ensemble") less the first ("member"). There are samples.
std::string difference_text(const predictions::PairedCounts& counts);

}  // namespace dtrain::report
