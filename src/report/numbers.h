// Numbers as tables show them.
#pragma once

#include <string>

namespace dtrain::report {

// printf's `format` for one double; "-" for what is not finite.
std::string number(double value, const char* format);
// A share as a percentage with three digits: 0.98765 is "98.765".
std::string percent(double share);

}  // namespace dtrain::report
