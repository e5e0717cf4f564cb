// Names of files may be any bytes: which of them are text, and how they are shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dtrain::util {

// Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// Bytes of the character that `text`, which is not empty, begins with; 0 where that is none.
size_t character_bytes(std::string_view text);

// For terminals, logs and pages: printable UTF-8 as it is; each control character and each byte
// that is no UTF-8 as \xNN, and in a text that has one of them a backslash as two.
std::string printable(std::string_view text);

}  // namespace dtrain::util
