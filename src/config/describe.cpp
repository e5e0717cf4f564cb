// Texts and tables from the list of fields.
#include "config/describe.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "config/field_values.h"

namespace dtrain::config {
namespace {

using util::joined;

constexpr size_t kHelpWidth = 100;  // columns of --help
constexpr size_t kHelpIndent = 34;  // where its second column starts

std::string one_text(bool value) { return value ? "true" : "false"; }
std::string one_text(int64_t value) { return std::to_string(value); }
std::string one_text(double value) { return number_text(value); }
std::string one_text(const std::string& value) { return value.empty() ? "\"\"" : value; }

template <class T>
std::string one_text(const std::vector<T>& values) {
  std::string out = "[";
  for (const T& value : values) out += (out.size() > 1 ? ", " : "") + one_text(value);
  return out + "]";
}

std::string one_text(StructList& structs) {
  return brief_json_of(&structs).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string section_of(const Field& field) {
  const size_t dot = field.path.rfind('.');
  return dot == std::string::npos ? "" : field.path.substr(0, dot);
}

std::string name_of(const Field& field) { return field.path.substr(field.path.rfind('.') + 1); }

// A section with its fields, or the fields that an element of a list of structs has.
struct Part {
  const FieldList& list;
  Section section;  // without a path: the fields that stand in none
  bool is_element;
};

// Calls visit for every section. Those of a list's elements follow the section the list stands in.
void for_each_part(const Part& part, const std::function<void(const Part&)>& visit) {
  visit(part);
  for (const Field& field : part.list.all()) {
    StructList* const* structs = std::get_if<StructList*>(&field.value);
    if (structs == nullptr || section_of(field) != part.section.path) continue;
    const FieldList defaults = (*structs)->defaults();
    for_each_part({defaults, {field.path + "[]", "Fields of each element of this list."}, true},
                  visit);
    for (const Section& section : defaults.sections()) {
      for_each_part({defaults, section, true}, visit);
    }
  }
}

void for_each_part(const FieldList& list, const std::function<void(const Part&)>& visit) {
  for_each_part({list, {}, false}, visit);
  for (const Section& section : list.sections()) for_each_part({list, section, false}, visit);
}

void for_each_field_of(const Part& part, const std::function<void(const Field&)>& visit) {
  for (const Field& field : part.list.all()) {
    if (section_of(field) == part.section.path) visit(field);
  }
}

// Nothing where a change is refused, as most are: the eye finds the others.
std::string effect_text(Effect effect) {
  if (effect == kFree) return "free";
  if (effect == kAhead) return "ahead";
  return effect == kRounding ? "rounding" : "";
}

// A vertical bar would end the table cell.
std::string cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

// Breaks text at blanks so that every line but the first, which starts at column `start`, stands
// between kHelpIndent and kHelpWidth.
std::string wrapped(const std::string& text, size_t start) {
  std::string out;
  size_t column = start;
  for (size_t at = 0; at < text.size();) {
    const size_t blank = std::min(text.find(' ', at), text.size());
    const size_t length = blank - at;
    if (column + length > kHelpWidth && column > kHelpIndent) {
      out += "\n" + std::string(kHelpIndent, ' ');
      column = kHelpIndent;
    } else if (at > 0) {
      out += ' ';
    }
    out += text.substr(at, length);
    column += length + 1;
    at = blank + 1;
  }
  return out;
}

// What stands for the value in "--lr NUMBER": the choices where there are a few.
std::string placeholder(const Field& field) {
  if (const auto* choice = std::get_if<OneOf>(&field.constraint)) {
    const std::string choices = joined(choice->names, "|");
    if (choices.size() <= 16) return choices;
  }
  static constexpr std::array<const char*, 8> names = {
      "", "N", "X", "TEXT", "N,N..", "X,X..", "A,B..", "JSON"};
  static_assert(names.size() == std::variant_size_v<Value>);
  return names[field.value.index()];
}

std::string help_entry(const Field& field, const std::vector<std::string>& flags) {
  // Short spellings stand first, as users expect: "-b, --batch-size".
  std::vector<std::string> sorted = flags;
  std::stable_partition(
      sorted.begin(), sorted.end(), [](const std::string& f) { return !f.starts_with("--"); });
  const bool is_switch = std::holds_alternative<bool*>(field.value);
  std::string entry = "  " + joined(sorted, ", ") + (is_switch ? "" : " " + placeholder(field));
  std::string about = field.help;
  const std::string limits = limits_text(field.constraint);
  about +=
      " [" + (limits.empty() ? "" : limits + "; ") + "default: " + value_text(field.value) + "]";
  if (entry.size() + 2 > kHelpIndent) {
    entry += "\n" + std::string(kHelpIndent, ' ');
  } else {
    entry.resize(kHelpIndent, ' ');
  }
  return entry + wrapped(about, kHelpIndent) + "\n";
}

// A line of the table of values; the elements of a list have their own.
std::string line_text(const Value& value) {
  StructList* const* structs = std::get_if<StructList*>(&value);
  if (structs == nullptr || (*structs)->size() == 0) return value_text(value);
  const size_t size = (*structs)->size();
  return std::to_string(size) + (size == 1 ? " element" : " elements");
}

}  // namespace

std::string value_text(const Value& value) {
  return std::visit([](auto* target) { return one_text(*target); }, value);
}

std::string limits_text(const Constraint& constraint) {
  if (const auto* choice = std::get_if<OneOf>(&constraint)) {
    return "one of " + joined(choice->names, ", ");
  }
  if (std::holds_alternative<NotEmpty>(constraint)) return "not empty";
  const auto* range = std::get_if<Range>(&constraint);
  if (range == nullptr) return "";
  const bool has_low = range->low > -std::numeric_limits<double>::infinity();
  const bool has_high = range->high < std::numeric_limits<double>::infinity();
  if (has_low && has_high && !range->low_open) {
    return "between " + number_text(range->low) + " and " + number_text(range->high);
  }
  std::string out;
  if (has_low) out = (range->low_open ? "above " : "at least ") + number_text(range->low);
  if (has_high) out += (out.empty() ? "" : " and ") + ("at most " + number_text(range->high));
  return out;
}

std::string type_text(const Value& value) {
  static constexpr std::array<const char*, 8> names = {"true/false",
                                                       "integer",
                                                       "number",
                                                       "text",
                                                       "list of integers",
                                                       "list of numbers",
                                                       "list of texts",
                                                       "list of objects"};
  static_assert(names.size() == std::variant_size_v<Value>);
  return names[value.index()];
}

std::string markdown(const FieldList& list, const FlagNames& flags) {
  std::string out;
  for_each_part(list, [&](const Part& part) {
    if (part.section.path.empty()) return;
    out += "## `" + part.section.path + "`\n\n" + part.section.help + "\n\n";
    out += "| key | type | default | allowed | resume | flags | meaning |\n";
    out += "|---|---|---|---|---|---|---|\n";
    for_each_field_of(part, [&](const Field& field) {
      std::vector<std::string> spelled;
      if (!part.is_element) spelled = flags(field.path);
      for (std::string& flag : spelled) flag = code(flag);
      out += "| " + code(name_of(field)) + " | " + type_text(field.value) + " | " +
             code(cell(value_text(field.value))) + " | " + cell(limits_text(field.constraint)) +
             " | " + effect_text(field.effect) + " | " + joined(spelled, " ") + " | " +
             cell(field.help) + " |\n";
    });
    out += "\n";
  });
  return out;
}

std::string help_text(const FieldList& list, const FlagNames& flags) {
  std::string out;
  for_each_part(list, [&](const Part& part) {
    if (!part.section.path.empty()) {
      out += "\n" + part.section.path + ": " + part.section.help + "\n";
    }
    for_each_field_of(part, [&](const Field& field) {
      // Fields of elements have no flags.
      out += help_entry(
          field, part.is_element ? std::vector<std::string>{name_of(field)} : flags(field.path));
    });
  });
  return out;
}

std::string values_table(const FieldList& list, const Origins& origins) {
  size_t path_width = 0, value_width = 0;
  for_each_field(list, [&](const Field& field) {
    path_width = std::max(path_width, field.path.size());
    // One long value must not push the third column off the screen for all the others.
    value_width = std::max(value_width, std::min<size_t>(line_text(field.value).size(), 28));
  });
  std::string out;
  for_each_field(list, [&](const Field& field) {
    std::string line = field.path;
    line.resize(path_width + 2, ' ');
    const std::string value = line_text(field.value);
    line +=
        value + std::string(2 + (value.size() < value_width ? value_width - value.size() : 0), ' ');
    out += line + origin_of(origins, field.path) + "\n";
  });
  return out;
}

}  // namespace dtrain::config
