// Shares and names as tables and captions show them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dtrain::report {

// A share as a percentage with three digits: 0.98765 is "98.765"; "-" for NaN.
std::string percent(double share);

// The name of class `k`; `unknown` below 0, which a sample without a target has.
std::string class_name(int64_t k,
                       const std::vector<std::string>& class_names,
                       const char* unknown = "-");

}  // namespace dtrain::report
