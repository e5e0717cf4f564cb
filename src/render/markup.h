// Text and bytes inside of XML and HTML.
#pragma once

#include <string>
#include <string_view>

namespace dtrain::render {

// As content or as a value in double quotes. Control characters become blanks, and bytes that are
// not UTF-8 the replacement character, so that whatever a file is called gives a valid document.
std::string escaped(std::string_view text);

// A coordinate in SVG: two decimals at most, no trailing zeros, no "-0".
std::string svg_number(double value);

// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace dtrain::render
