// Texts for people and for files: numbers, lists, quotes.
//
//   formatted("%.2f ms, %lld samples", 1e3 * seconds, samples);
//   joined(names, ", ");                                     // "a, b, c"
//   joined(members, ", ", [](const Member& one) { return one.name; });
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dtrain::util {

// printf's text, of any length. The compiler checks the arguments against the pattern.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* pattern, ...);

// A measured value: printf's `pattern` for one double; `otherwise` for NaN and infinities.
std::string number(double value, const char* pattern, const char* otherwise = "-");

// A setting or a value that is read again: the fewest digits that give the same double, as "0.1",
// "1e-05", "65536". Also "-0", "inf", "-inf" and, whatever its sign, "nan".
std::string number_text(double value);

// "0.50" is "0.5", "3.00" is "3"; digits without a point, or with an exponent, stay as they are.
std::string without_trailing_zeros(std::string digits);

// "1:02:03" for 3723.9 s. "-" for what is no time: NaN, infinite, negative, beyond 10^15 s.
std::string clock_text(double seconds);

// "28 x 28 x 3"; a negative extent, which stands for every length, is "any". Empty for a scalar.
std::string extents(const std::vector<int64_t>& sizes);

// Not empty, and digits alone.
bool is_digits(std::string_view text);

// With the letters A to Z as a to z; other bytes stay.
std::string lower_case(std::string text);

// In double quotes, for messages: nothing in it is escaped. CSV has util/csv.h, JSON its own.
std::string quoted(std::string_view text);

// Text of an element of a list.
struct ElementText {
  const std::string& operator()(const std::string& text) const { return text; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return number_text(value); }
};

// The texts of all elements with `separator` between each two, around empty ones as well.
template <class List, class TextOf = ElementText>
std::string joined(const List& list, std::string_view separator, const TextOf& text_of = {}) {
  std::string out;
  bool is_first = true;
  for (const auto& element : list) {
    if (!is_first) out += separator;
    out += text_of(element);
    is_first = false;
  }
  return out;
}

}  // namespace dtrain::util
