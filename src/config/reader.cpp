// From JSON values and command-line texts to typed fields, with every complaint collected.
#include "config/reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "config/describe.h"
#include "config/json.h"
#include "util/text.h"

namespace dtrain::config {
namespace {

// A wrong value is a text; the caller knows where it stood.
struct Wrong {
  std::string text;
};

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
  std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  throw Wrong{std::string("must be ") + expected + ", but is " + text};
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
  if (!json.is_string()) wrong_type("a string", json);
  value = json.get<std::string>();
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

// --- fields --------------------------------------------------------------------------------------

// Parses with `parse(value)` into a fresh value, checks it, and only then touches the field.
template <class Parse>
void assign(const Field& field, const Parse& parse) {
  std::visit(
      [&](auto* target) {
        std::remove_reference_t<decltype(*target)> value{};
        parse(value);
        if (auto wrong = violation(field.constraint, value)) throw *wrong;
        *target = std::move(value);
      },
      field.value);
}

class Reader {
 public:
  Reader(const JsonDocument& document, const FieldList& list, Origins& origins, Problems& problems)
      : document_(document), list_(list), origins_(origins), problems_(problems) {}

  void section(const Json& json, const std::string& prefix) {
    for (const auto& [key, value] : json.items()) {
      if (prefix.empty() && key == "_dtrain") continue;
      // A dot inside a key would read as a path.
      const std::string path = prefix + key;
      const bool one_key = key.find('.') == std::string::npos;
      if (one_key && is_section(path)) {
        if (value.is_object()) {
          section(value, path + ".");
        } else {
          complain(path, "is a section: must be an object in braces");
        }
      } else if (const Field* field = one_key ? find_field(list_, path) : nullptr) {
        read(*field, value);
      } else {
        complain(path,
                 one_key ? "unknown key" + suggest_path(list_, path)
                         : "keys have no dots: write one object inside another");
      }
    }
  }

 private:
  bool is_section(const std::string& path) const {
    return std::any_of(list_.sections().begin(), list_.sections().end(), [&](const Section& s) {
      return s.path == path;
    });
  }

  void read(const Field& field, const Json& json) {
    try {
      assign(field, [&](auto& value) { from_json_value(json, value); });
      origins_[field.path] = place(field.path);
    } catch (const Wrong& wrong) {
      complain(field.path, wrong.text);
    }
  }

  std::string place(const std::string& path) const {
    const auto line = document_.lines.find(path);
    if (line == document_.lines.end()) return document_.name;
    return document_.name + ":" + std::to_string(line->second);
  }

  void complain(const std::string& path, const std::string& text) {
    const auto line = document_.lines.find(path);
    problems_.add(line == document_.lines.end()
                      ? path
                      : path + " (line " + std::to_string(line->second) + ")",
                  text);
  }

  const JsonDocument& document_;
  const FieldList& list_;
  Origins& origins_;
  Problems& problems_;
};

}  // namespace

const std::string& origin_of(const Origins& origins, const std::string& path) {
  static const std::string initial = kDefaultOrigin;
  const auto found = origins.find(path);
  return found == origins.end() ? initial : found->second;
}

void read_values(const JsonDocument& document,
                 const FieldList& list,
                 Origins& origins,
                 Problems& problems) {
  if (!document.root.is_object()) {
    problems.add(document.name, "must be an object in braces");
    return;
  }
  Reader(document, list, origins, problems).section(document.root, "");
}

void read_text(const FieldList& list,
               const Override& setting,
               Origins& origins,
               Problems& problems) {
  const std::string where = setting.path + " (" + setting.origin + ")";
  const Field* field = find_field(list, setting.path);
  if (field == nullptr) {
    problems.add(where, "unknown key" + suggest_path(list, setting.path));
    return;
  }
  try {
    assign(*field, [&](auto& value) { from_text(setting.text, value); });
    origins[setting.path] = setting.origin;
  } catch (const Wrong& wrong) {
    problems.add(where, wrong.text);
  }
}

void check_limits(const FieldList& list, const Origins& origins, Problems& problems) {
  for (const Field& field : list.all()) {
    const auto wrong =
        std::visit([&](auto* value) { return violation(field.constraint, *value); }, field.value);
    if (wrong) {
      problems.add(field.path + " (" + origin_of(origins, field.path) + ")", wrong->text);
    }
  }
}

const Field* find_field(const FieldList& list, const std::string& path) {
  for (const Field& field : list.all()) {
    if (field.path == path) return &field;
  }
  return nullptr;
}

std::string suggest_path(const FieldList& list, const std::string& path) {
  const auto last_part = [](const std::string& p) { return p.substr(p.rfind('.') + 1); };
  std::vector<std::string> paths, siblings;
  const std::string section = path.substr(0, path.rfind('.') + 1);  // with its dot, or ""
  for (const Field& field : list.all()) {
    // The right name in the wrong section is the commonest mistake.
    if (last_part(field.path) == last_part(path)) return " (did you mean " + field.path + "?)";
    paths.push_back(field.path);
    if (field.path.starts_with(section)) siblings.push_back(last_part(field.path));
  }
  for (const Section& known : list.sections()) paths.push_back(known.path);
  if (!section.empty()) {
    const std::string near = nearest_name(last_part(path), siblings);
    if (!near.empty()) return " (did you mean " + section + near + "?)";
  }
  return did_you_mean(path, paths);
}

bool parse_bool(const std::string& text, bool* value) {
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool is_true = lower == "true" || lower == "1" || lower == "yes" || lower == "on";
  const bool is_false = lower == "false" || lower == "0" || lower == "no" || lower == "off";
  if (is_true || is_false) *value = is_true;
  return is_true || is_false;
}

}  // namespace dtrain::config
