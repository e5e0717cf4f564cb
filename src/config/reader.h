// Fills the fields of a struct from a JSON file and from the command line, and remembers where each
// value came from. Nothing stops at the first mistake: unknown keys, wrong types and values out of
// range are all added to a list of problems, and a field with a problem keeps its value.
//
//   LoaderConfig config;
//   FieldList list = collect(config);
//   Origins origins;
//   Problems problems;
//   read_values(read_json_file("a.json", {}, &problems), list, origins, problems);
//   read_text(list, {"workers", "4", "command line --workers"}, origins, problems);
//   problems.throw_if_any("a.json");
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/fields.h"
#include "config/problems.h"

namespace dtrain::config {

struct JsonDocument;

// Key path -> where the value came from: "a.json:12", "command line --lr", "automatic (...)". A
// path that is absent has its default.
using Origins = std::map<std::string, std::string>;
inline constexpr const char* kDefaultOrigin = "default";
// Of a value that the program chose, "automatic (why)".
std::string automatic(const std::string& why);
bool is_automatic(const std::string& origin);
const std::string& origin_of(const Origins& origins, const std::string& path);

// One setting given as text, in the order given.
struct Override {
  std::string path;    // "optimizer.lr", "optimizer.groups[1].lr"
  std::string text;    // "0.1"; lists as "1,2,3", lists of structs as JSON
  std::string origin;  // "command line --lr"
};

// Every value of the document goes to the field of its path. The key "_dtrain" at the top, which
// the effective config of a run carries (writer.h), is passed over.
//
// A list of structs replaces the one that was there, and its elements start from their defaults; a
// field whose default is outside its limits must be given. Origins have the path of the list and
// of each field given for an element, "optimizer.groups[1].lr".
void read_values(const JsonDocument& document,
                 const FieldList& list,
                 Origins& origins,
                 Problems& problems);

// The text is one value, or one of an element that is already there.
void read_text(const FieldList& list,
               const Override& setting,
               Origins& origins,
               Problems& problems);

// Adds a problem for each field whose value is outside its limits.
void check_limits(const FieldList& list, const Origins& origins, Problems& problems);

// The field of that path, or nullptr. For a path into a list of structs, such as "groups[1].lr",
// that is the list, whether or not there is such an element.
const Field* find_field(const FieldList& list, const std::string& path);

// " (did you mean loader.workers?)" for a path that is not there, or "".
std::string suggest_path(const FieldList& list, const std::string& path);

// "true", "True", "1", "yes", "on" and their opposites; false when the text is neither.
bool parse_bool(const std::string& text, bool* value);

}  // namespace dtrain::config
