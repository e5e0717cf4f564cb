// The effective configuration as a file: every value, and where each came from.
//
//   { "run": { "seed": 42, ... }, ..., "_dtrain": { "format": 1, "origins": { "run.seed": ... } } }
//
// The file is itself a configuration: reading it back gives the same values, and the reader passes
// over "_dtrain". Fields with their default are not among the origins. A list of structs has an
// origin, and so has each field of its elements.
#pragma once

#include <string>
#include <vector>

#include "config/fields.h"
#include "config/json.h"
#include "config/reader.h"

namespace dtrain::config {

inline constexpr int64_t kConfigFormat = 1;

std::string effective_config(const FieldList& list, const Origins& origins);
// Whether the program chose that value of an effective configuration.
bool was_automatic(const Json& effective, const std::string& path);

// One field that differs between two structs of the same type, with the text of both values: also
// that of an element, "optimizer.groups[1].lr", but lists of different length differ as a whole.
struct Difference {
  std::string path, left, right;
  Effect effect = kCourse;
};
std::vector<Difference> differences(const FieldList& left, const FieldList& right);

}  // namespace dtrain::config
