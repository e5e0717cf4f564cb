#include "report/numbers.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace dtrain::report {

std::string number(double value, const char* format) {
  if (!std::isfinite(value)) return "-";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string percent(double share) { return number(100 * share, "%.3f"); }

}  // namespace dtrain::report
