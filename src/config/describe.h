// The list of fields as people read it: documentation, --help, and tables of values.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/fields.h"
#include "config/reader.h"
#include "util/text.h"

namespace dtrain::config {

// The flags that set the field of a path, the preferred one first: {"--batch-size", "-b"}.
using FlagNames = std::function<std::vector<std::string>(const std::string& path)>;

// "0.1", "1e-05", "3": the shortest text that reads back as the same number.
using util::number_text;

// "true", "128", "0.1", "[0.5, 0.5]", "runs"; the empty string is "\"\"". A list of structs is JSON
// with what elements have apart from their defaults: [{"match":"fc"}].
std::string value_text(const Value& value);

// "at least 1", "above 0", "between 0 and 1", "one of sgd, adamw", "" without a limit.
std::string limits_text(const Constraint& constraint);

// "integer", "number", "true/false", "text", "list of numbers", ...
std::string type_text(const Value& value);

// The page docs/configuration.md: a table for each section, and for the fields that the elements of
// a list of structs have, "optimizer.groups[]". `list` holds the default values.
std::string markdown(const FieldList& list, const FlagNames& flags);

// The body of --help: a line or two for each flag, those in no section first, then a paragraph for
// each section, as for the page.
std::string help_text(const FieldList& list, const FlagNames& flags);

// Every value and where it came from, aligned in three columns, one line a field; a list of
// structs has one, and so has every field of its elements.
std::string values_table(const FieldList& list, const Origins& origins);

}  // namespace dtrain::config
