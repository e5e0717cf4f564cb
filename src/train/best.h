// The best evaluation so far.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace dtrain::train {

struct Best {
  std::string metric = "top1";  // train.best_metric
  bool more_is_better = true;
  double value = std::numeric_limits<double>::quiet_NaN();  // of epoch `epoch`
  int64_t epoch = -1;                                       // none yet
  int64_t evaluations_since = 0;

  // What is not a number, or infinite, is never better; everything else is better than nothing.
  bool is_beaten_by(double other) const {
    if (!std::isfinite(other)) return false;
    if (epoch < 0) return true;
    return more_is_better ? other > value : other < value;
  }

  // Takes note of an evaluation; says whether it is the best now.
  bool observe(double other, int64_t at_epoch) {
    ++evaluations_since;
    if (!is_beaten_by(other)) return false;
    value = other;
    epoch = at_epoch;
    evaluations_since = 0;
    return true;
  }
};

}  // namespace dtrain::train
