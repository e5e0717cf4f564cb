// The values of a list of fields, those in lists of structs included.
#pragma once

#include <functional>

#include "config/fields.h"
#include "config/json.h"

namespace dtrain::config {

// Calls visit for every field; the fields of its elements follow a list of structs.
void for_each_field(const FieldList& list, const std::function<void(const Field&)>& visit);

// An object with every value at its path.
Json json_of(const FieldList& list);

// The value of one field. Of the elements of a list of structs only what is not the default, which
// is enough to read it back.
Json brief_json_of(const Value& value);

}  // namespace dtrain::config
