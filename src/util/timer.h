// Time that passes, on the steady clock.
//
//   Timer timer;
//   ...
//   double s = timer.seconds();
#pragma once

#include <chrono>

namespace dtrain::util {

class Timer {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  void reset() { start_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace dtrain::util
