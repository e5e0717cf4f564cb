#include "util/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "util/check.h"

namespace dtrain::util {
namespace {

std::string printed(const char* pattern, std::va_list arguments) {
  std::va_list again;
  va_copy(again, arguments);
  std::array<char, 128> start{};
  const int length = std::vsnprintf(start.data(), start.size(), pattern, arguments);
  std::string text;
  if (length >= 0) {
    text.assign(start.data(), std::min(size_t(length), start.size() - 1));
    if (size_t(length) > text.size()) {
      text.resize(size_t(length));
      std::vsnprintf(text.data(), text.size() + 1, pattern, again);
    }
  }
  va_end(again);
  check(length >= 0, "a printf pattern and its arguments are sound");
  return text;
}

}  // namespace

std::string formatted(const char* pattern, ...) {
  std::va_list arguments;
  va_start(arguments, pattern);
  std::string text = printed(pattern, arguments);
  va_end(arguments);
  return text;
}

std::string number(double value, const char* pattern, const char* otherwise) {
  return std::isfinite(value) ? formatted(pattern, value) : otherwise;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), end.ptr};
}

std::string without_trailing_zeros(std::string digits) {
  if (digits.find('.') == std::string::npos || digits.find('e') != std::string::npos) return digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

std::string clock_text(double seconds) {
  if (!(seconds >= 0 && seconds <= 1e15)) return "-";
  const auto whole = static_cast<long long>(seconds);
  return formatted("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string extents(const std::vector<int64_t>& sizes) {
  return joined(sizes, " x ", [](int64_t size) {
    return size < 0 ? std::string("any") : std::to_string(size);
  });
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  out += text;
  return out + '"';
}

}  // namespace dtrain::util
