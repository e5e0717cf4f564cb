// What values a field may have.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dtrain::config {

// Numbers between low and high, both included unless low_open. NaN and infinity never pass.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
};
struct OneOf {
  std::vector<std::string> names;
};
struct NotEmpty {};
struct Any {};

inline Range at_least(double low) { return {.low = low}; }
inline Range at_most(double high) { return {.high = high}; }
inline Range between(double low, double high) { return {.low = low, .high = high}; }
inline Range above(double low) { return {.low = low, .low_open = true}; }  // exclusive
inline OneOf one_of(std::vector<std::string> names) { return {std::move(names)}; }
inline NotEmpty not_empty() { return {}; }
inline constexpr Any any{};

using Constraint = std::variant<Any, Range, OneOf, NotEmpty>;

}  // namespace dtrain::config
