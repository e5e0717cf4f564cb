#include "config/byte_text.h"

#include <algorithm>
#include <cstdint>

#include "util/check.h"
#include "util/utf8.h"

namespace dtrain::config {
namespace {

constexpr const char* kKey = "bytes";
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_hex(const std::string& text) {
  return text.size() % 2 == 0 && text.find_first_not_of(kHexDigits) == std::string::npos;
}

}  // namespace

Json byte_text(const std::string& bytes) {
  if (util::is_utf8(bytes)) return bytes;
  std::string digits;
  for (const char byte : bytes) {
    const auto value = static_cast<uint8_t>(byte);
    digits += {kHexDigits[value >> 4], kHexDigits[value & 15]};
  }
  return Json{{kKey, digits}};
}

Json byte_texts(const std::vector<std::string>& list) {
  Json json = Json::array();
  for (const std::string& bytes : list) json.push_back(byte_text(bytes));
  return json;
}

bool is_byte_text(const Json& json) {
  if (json.is_string()) return true;
  return json.is_object() && json.size() == 1 && json.contains(kKey) && json.at(kKey).is_string() &&
         is_hex(json.at(kKey).get<std::string>());
}

std::string bytes_of(const Json& json) {
  if (!is_byte_text(json)) {
    throw io_error("a name in JSON", "is neither text nor bytes: " + json.dump(), "");
  }
  if (json.is_string()) return json.get<std::string>();
  const auto digits = json.at(kKey).get<std::string>();
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(kHexDigits.find(digits[i]) << 4 | kHexDigits.find(digits[i + 1]));
  }
  return bytes;
}

std::vector<std::string> list_of_bytes(const Json& json) {
  std::vector<std::string> list;
  for (const Json& one : json) list.push_back(bytes_of(one));
  return list;
}

}  // namespace dtrain::config
