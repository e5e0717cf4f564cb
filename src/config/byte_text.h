// Names in JSON, kept to the byte. JSON is UTF-8, names of files and classes may be any bytes.
//
//   "Brötchen" in UTF-8    "Brötchen"
//   the same in Latin-1    {"bytes": "4272f67463 68656e"}, without the space
#pragma once

#include <string>
#include <vector>

#include "config/json.h"

namespace dtrain::config {

// A string where the bytes are UTF-8, else an object with their hexadecimal digits.
Json byte_text(const std::string& bytes);
Json byte_texts(const std::vector<std::string>& list);

// Whether byte_text() may have written it.
bool is_byte_text(const Json& json);
// What it was made of. Throws Error(kIo) for anything else.
std::string bytes_of(const Json& json);
std::vector<std::string> list_of_bytes(const Json& json);

}  // namespace dtrain::config
