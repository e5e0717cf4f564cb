// From a JSON document and command-line texts to fields, with every complaint collected.
#include "config/reader.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "config/field_values.h"
#include "config/json.h"
#include "config/one_value.h"
#include "util/text.h"

namespace dtrain::config {
namespace {

class Reader {
 public:
  Reader(const JsonDocument& document, const FieldList& list, Origins& origins, Problems& problems)
      : document_(document), list_(list), origins_(origins), problems_(problems) {}

  void section(const Json& json, const std::string& prefix) {
    for (const auto& [key, value] : json.items()) {
      if (prefix.empty() && key == "_dtrain") continue;
      const std::string path = prefix + key;
      // A dot or a bracket inside a key would read as a path.
      const bool has_dot = key.find('.') != std::string::npos;
      const bool one_key = !has_dot && key.find('[') == std::string::npos;
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
                 has_dot ? "keys have no dots: write one object inside another"
                         : "unknown key" + suggest_path(list_, path));
      }
    }
  }

  void read(const Field& field, const Json& json) {
    seen_.insert(field.path);
    if (StructList* const* structs = std::get_if<StructList*>(&field.value)) {
      read_structs(field.path, **structs, json);
      return;
    }
    try {
      assign_json(field, json);
      origins_[field.path] = place(field.path);
    } catch (const Wrong& wrong) {
      complain(field.path, wrong.text);
    }
  }

 private:
  bool is_section(const std::string& path) const {
    return std::any_of(list_.sections().begin(), list_.sections().end(), [&](const Section& s) {
      return s.path == path;
    });
  }

  // Replaces the whole list.
  void read_structs(const std::string& path, StructList& structs, const Json& json) {
    if (!json.is_array()) {
      complain(path, "must be a list of objects" + found_text(json));
      return;
    }
    std::erase_if(origins_, [&](const auto& entry) { return entry.first.starts_with(path + "["); });
    origins_[path] = place(path);
    structs.resize(0);  // so that every element starts from its defaults
    structs.resize(json.size());
    for (size_t i = 0; i < json.size(); ++i) {
      read_element(path + "[" + std::to_string(i) + "]", structs.element(i), json[i]);
    }
  }

  void read_element(const std::string& path, const FieldList& element, const Json& json) {
    if (!json.is_object()) {
      complain(path, "must be an object in braces" + found_text(json));
      return;
    }
    Reader reader(document_, element, origins_, problems_);
    reader.section(json, element.prefix());
    // A default outside its limits is none: the field has to be given.
    for (const Field& field : element.all()) {
      const auto wrong = violation(field);
      if (wrong && reader.seen_.count(field.path) == 0) {
        complain(field.path, "is missing: " + wrong->text);
      }
    }
  }

  // That of the key, or else of what it stands in; 0: none is known.
  int64_t line_of(std::string path) const {
    while (!path.empty()) {
      const auto line = document_.lines.find(path);
      if (line != document_.lines.end()) return line->second;
      const size_t end = path.find_last_of(".[");
      path.resize(end == std::string::npos ? 0 : end);
    }
    return 0;
  }

  std::string place(const std::string& path) const {
    const int64_t line = line_of(path);
    return document_.name + (line == 0 ? "" : ":" + std::to_string(line));
  }

  void complain(const std::string& path, const std::string& text) {
    const int64_t line = line_of(path);
    problems_.add(path + (line == 0 ? "" : " (line " + std::to_string(line) + ")"), text);
  }

  const JsonDocument& document_;
  const FieldList& list_;
  Origins& origins_;
  Problems& problems_;
  std::set<std::string> seen_;  // the fields that were given
};

// A list of structs as JSON text. Problems are added without their place.
void read_structs_text(const Field& field,
                       const Override& setting,
                       Origins& origins,
                       Problems& problems) {
  const bool is_blank = setting.text.find_first_not_of(" \t") == std::string::npos;
  try {
    Problems of_text;
    JsonDocument document = parse_json(is_blank ? "[]" : setting.text, "", {}, &of_text);
    for (const Problem& one : of_text.all()) problems.add(field.path + one.where, one.text);
    document.name = setting.origin;
    document.lines.clear();  // a text has one place
    const FieldList none;
    Reader(document, none, origins, problems).read(field, document.root);
  } catch (const Error& error) {
    // Its subject is the name, which is empty, and the position, ":1:3".
    problems.add(field.path,
                 "must be a list of objects as JSON, but at " + error.subject().substr(1) + ": " +
                     error.cause());
  }
}

// The index in "groups[12].lr", given what follows "groups[", and where the field's name starts;
// no name: not such a path.
struct ElementPath {
  size_t index = 0;
  std::string_view name;
};
ElementPath element_path(std::string_view rest) {
  ElementPath found;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), found.index);
  if (result.ec == std::errc::invalid_argument) return {};
  if (result.ec == std::errc::result_out_of_range) found.index = std::string::npos;
  rest.remove_prefix(static_cast<size_t>(result.ptr - rest.data()));
  if (rest.starts_with("].")) found.name = rest.substr(2);
  return found;
}

// A path into a list of structs.
void read_element_text(const Field& field,
                       StructList& structs,
                       const Override& setting,
                       Origins& origins,
                       Problems& problems) {
  const std::string where = setting.path + " (" + setting.origin + ")";
  const auto [index, name] =
      element_path(std::string_view(setting.path).substr(field.path.size() + 1));
  if (name.empty()) {
    problems.add(where, "must name a field of an element: " + field.path + "[0].NAME");
  } else if (index >= structs.size()) {
    problems.add(where,
                 "there is no such element: " + field.path + " has " +
                     std::to_string(structs.size()) + ", counted from 0");
  } else {
    read_text(structs.element(index), setting, origins, problems);
  }
}

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
    const size_t bracket = setting.path.find('[', list.prefix().size());
    problems.add(where, "unknown key" + suggest_path(list, setting.path.substr(0, bracket)));
    return;
  }
  if (StructList* const* structs = std::get_if<StructList*>(&field->value)) {
    if (setting.path != field->path) {
      read_element_text(*field, **structs, setting, origins, problems);
      return;
    }
    Problems found;
    read_structs_text(*field, setting, origins, found);
    for (const Problem& one : found.all()) {
      problems.add(one.where + " (" + setting.origin + ")", one.text);
    }
    return;
  }
  try {
    assign_text(*field, setting.text);
    origins[setting.path] = setting.origin;
  } catch (const Wrong& wrong) {
    problems.add(where, wrong.text);
  }
}

void check_limits(const FieldList& list, const Origins& origins, Problems& problems) {
  for_each_field(list, [&](const Field& field) {
    if (const auto wrong = violation(field)) {
      problems.add(field.path + " (" + origin_of(origins, field.path) + ")", wrong->text);
    }
  });
}

std::string automatic(const std::string& why) { return "automatic (" + why + ")"; }

bool is_automatic(const std::string& origin) { return origin.starts_with("automatic ("); }

const Field* find_field(const FieldList& list, const std::string& path) {
  for (const Field& field : list.all()) {
    if (field.path == path) return &field;
    const bool is_list = std::holds_alternative<StructList*>(field.value);
    if (is_list && path.starts_with(field.path + "[")) return &field;
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
  const std::string lower = util::lower_case(text);
  const bool is_true = lower == "true" || lower == "1" || lower == "yes" || lower == "on";
  const bool is_false = lower == "false" || lower == "0" || lower == "no" || lower == "off";
  if (is_true || is_false) *value = is_true;
  return is_true || is_false;
}

}  // namespace dtrain::config
