// From JSON or text to the value of one field that is no list of structs, and its limits.
#pragma once

#include <optional>
#include <string>

#include "config/fields.h"
#include "config/json.h"

namespace dtrain::config {

// A wrong value is a text, "must be above 0, but is -1"; the caller knows where it stood.
struct Wrong {
  std::string text;
};

// Both throw Wrong and then leave the field as it was.
void assign_json(const Field& field, const Json& json);
void assign_text(const Field& field, const std::string& text);

// How the value it has breaks its limits.
std::optional<Wrong> violation(const Field& field);

// ", but is 3", cut where it is long.
std::string found_text(const Json& found);

}  // namespace dtrain::config
