// Texts and tables from the list of fields.
#include "config/describe.h"

#include <algorithm>
#include <array>
#include <type_traits>

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

std::string section_of(const Field& field) { return field.path.substr(0, field.path.rfind('.')); }

bool is_in(const Field& field, const Section& section) { return section_of(field) == section.path; }

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
  static constexpr std::array<const char*, 7> names = {
      "", "N", "X", "TEXT", "N,N..", "X,X..", "A,B.."};
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
  static constexpr std::array<const char*, 7> names = {"true/false",
                                                       "integer",
                                                       "number",
                                                       "text",
                                                       "list of integers",
                                                       "list of numbers",
                                                       "list of texts"};
  static_assert(names.size() == std::variant_size_v<Value>);
  return names[value.index()];
}

std::string markdown(const FieldList& list, const FlagNames& flags) {
  std::string out;
  for (const Section& section : list.sections()) {
    out += "## `" + section.path + "`\n\n" + section.help + "\n\n";
    out += "| key | type | default | allowed | flags | meaning |\n|---|---|---|---|---|---|\n";
    for (const Field& field : list.all()) {
      if (!is_in(field, section)) continue;
      std::vector<std::string> spelled = flags(field.path);
      for (std::string& flag : spelled) flag = code(flag);
      out += "| " + code(field.path.substr(section.path.size() + 1)) + " | " +
             type_text(field.value) + " | " + code(cell(value_text(field.value))) + " | " +
             cell(limits_text(field.constraint)) + " | " + joined(spelled, " ") + " | " +
             cell(field.help) + " |\n";
    }
    out += "\n";
  }
  return out;
}

std::string help_text(const FieldList& list, const FlagNames& flags) {
  std::string out;
  for (const Field& field : list.all()) {
    if (field.path.find('.') == std::string::npos) out += help_entry(field, flags(field.path));
  }
  for (const Section& section : list.sections()) {
    out += "\n" + section.path + ": " + section.help + "\n";
    for (const Field& field : list.all()) {
      if (is_in(field, section)) out += help_entry(field, flags(field.path));
    }
  }
  return out;
}

std::string values_table(const FieldList& list, const Origins& origins) {
  size_t path_width = 0, value_width = 0;
  for (const Field& field : list.all()) {
    path_width = std::max(path_width, field.path.size());
    // One long value must not push the third column off the screen for all the others.
    value_width = std::max(value_width, std::min<size_t>(value_text(field.value).size(), 28));
  }
  std::string out;
  for (const Field& field : list.all()) {
    std::string line = field.path;
    line.resize(path_width + 2, ' ');
    const std::string value = value_text(field.value);
    line +=
        value + std::string(2 + (value.size() < value_width ? value_width - value.size() : 0), ' ');
    out += line + origin_of(origins, field.path) + "\n";
  }
  return out;
}

}  // namespace dtrain::config
