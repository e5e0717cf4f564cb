// Limits, JSON and text of one value.
#include "config/one_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "config/byte_text.h"
#include "config/describe.h"
#include "config/reader.h"
#include "util/text.h"

namespace dtrain::config {
namespace {

// --- limits --------------------------------------------------------------------------------------
std::optional<Wrong> violation(const Constraint& constraint, double value) {
  if (!std::isfinite(value)) return Wrong{"must be finite, but is " + number_text(value)};
  const Range* range = std::get_if<Range>(&constraint);
  if (range == nullptr) return std::nullopt;
  const bool low_ok = range->low_open ? value > range->low : value >= range->low;
  if (low_ok && value <= range->high) return std::nullopt;
  return Wrong{"must be " + limits_text(constraint) + ", but is " + number_text(value)};
}

std::optional<Wrong> violation(const Constraint& constraint, const std::string& value) {
  if (std::holds_alternative<NotEmpty>(constraint) && value.empty()) {
    return Wrong{"must not be empty"};
  }
  const OneOf* choice = std::get_if<OneOf>(&constraint);
  if (choice == nullptr) return std::nullopt;
  const auto& names = choice->names;
  if (std::find(names.begin(), names.end(), value) != names.end()) return std::nullopt;
  return Wrong{"must be " + limits_text(constraint) + ", but is " + util::quoted(value) +
               did_you_mean(value, names)};
}

std::optional<Wrong> violation(const Constraint&, bool) { return std::nullopt; }
std::optional<Wrong> violation(const Constraint&, const StructList&) { return std::nullopt; }

std::optional<Wrong> violation(const Constraint& constraint, int64_t value) {
  return violation(constraint, static_cast<double>(value));
}

template <class T>
std::optional<Wrong> violation(const Constraint& constraint, const std::vector<T>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (auto wrong = violation(constraint, values[i])) {
      return Wrong{"element " + std::to_string(i + 1) + " " + wrong->text};
    }
  }
  return std::nullopt;
}

// --- JSON ----------------------------------------------------------------------------------------
[[noreturn]] void wrong_type(const char* expected, const Json& found) {
  throw Wrong{std::string("must be ") + expected + found_text(found)};
}

void from_json_value(const Json& json, bool& value) {
  if (!json.is_boolean()) wrong_type("true or false", json);
  value = json.get<bool>();
}

void from_json_value(const Json& json, int64_t& value) {
  if (!json.is_number_integer()) wrong_type("an integer", json);
  if (json.is_number_unsigned() && json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
    wrong_type("an integer below 2^63", json);
  }
  value = json.get<int64_t>();
}

void from_json_value(const Json& json, double& value) {
  if (!json.is_number()) wrong_type("a number", json);
  value = json.get<double>();
}

void from_json_value(const Json& json, std::string& value) {
  if (!is_byte_text(json)) wrong_type("a string", json);
  value = bytes_of(json);
}

template <class T>
void from_json_value(const Json& json, std::vector<T>& value) {
  if (!json.is_array()) wrong_type("a list", json);
  for (const Json& element : json) {
    T one{};
    try {
      from_json_value(element, one);
    } catch (const Wrong& wrong) {
      throw Wrong{"element " + std::to_string(value.size() + 1) + " " + wrong.text};
    }
    value.push_back(std::move(one));
  }
}

// --- text ----------------------------------------------------------------------------------------

void from_text(const std::string& text, bool& value) {
  if (!parse_bool(text, &value)) throw Wrong{"must be true or false, but is " + util::quoted(text)};
}

template <class T>
void parse_number(const std::string& text, const char* expected, T& value) {
  const char* end = text.data() + text.size();
  const char* start = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto result = std::from_chars(start, end, value);
  if (result.ec == std::errc::result_out_of_range) {
    throw Wrong{std::string("must be ") + expected + ", but " + text + " does not fit in 64 bits"};
  }
  if (result.ec != std::errc() || result.ptr != end) {
    throw Wrong{std::string("must be ") + expected + ", but is " + util::quoted(text)};
  }
}

void from_text(const std::string& text, int64_t& value) { parse_number(text, "an integer", value); }
void from_text(const std::string& text, double& value) { parse_number(text, "a number", value); }
void from_text(const std::string& text, std::string& value) { value = text; }

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "1,2,3" or "[1, 2, 3]"; "" and "[]" are the empty list.
template <class T>
void from_text(const std::string& text, std::vector<T>& value) {
  std::string rest = trimmed(text);
  if (rest.size() >= 2 && rest.front() == '[' && rest.back() == ']') {
    rest = trimmed(rest.substr(1, rest.size() - 2));
  }
  if (rest.empty()) return;
  for (size_t start = 0; start <= rest.size();) {
    const size_t comma = std::min(rest.find(',', start), rest.size());
    T one{};
    try {
      from_text(trimmed(rest.substr(start, comma - start)), one);
    } catch (const Wrong& wrong) {
      throw Wrong{"element " + std::to_string(value.size() + 1) + " " + wrong.text};
    }
    value.push_back(std::move(one));
    start = comma + 1;
  }
}

// Puts the name that is meant in the place of another spelling of it.
void resolve_alias(const Constraint& constraint, std::string& value) {
  const OneOf* choice = std::get_if<OneOf>(&constraint);
  if (choice == nullptr) return;
  for (const auto& [alias, name] : choice->aliases) {
    if (value == alias) value = name;
  }
}
template <class T>
void resolve_alias(const Constraint&, T&) {}

// Parses with `parse(value)` into a fresh value, checks it, and only then touches the field.
template <class Parse>
void assign(const Field& field, const Parse& parse) {
  std::visit(
      [&](auto* target) {
        using T = std::remove_pointer_t<decltype(target)>;
        if constexpr (std::is_same_v<T, StructList>) {
          check(false, "lists of structs are read element by element");
        } else {
          T value{};
          parse(value);
          resolve_alias(field.constraint, value);
          if (auto wrong = violation(field.constraint, value)) throw *wrong;
          *target = std::move(value);
        }
      },
      field.value);
}

}  // namespace

std::optional<Wrong> violation(const Field& field) {
  return std::visit([&](auto* value) { return violation(field.constraint, *value); }, field.value);
}

void assign_json(const Field& field, const Json& json) {
  assign(field, [&](auto& value) { from_json_value(json, value); });
}

void assign_text(const Field& field, const std::string& text) {
  assign(field, [&](auto& value) { from_text(text, value); });
}

std::string found_text(const Json& found) {
  std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return ", but is " + text;
}

}  // namespace dtrain::config
