#include "util/utf8.h"

#include <cstdint>

namespace dtrain::util {
namespace {

// U+0080 to U+009F are control characters as well, which terminals obey.
bool is_control(std::string_view character) {
  const auto first = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return character.size() == 2 && first == 0xC2 && static_cast<uint8_t>(character[1]) < 0xA0;
}

}  // namespace

size_t character_bytes(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t length = lead < 0x80         ? 1
                        : lead >> 5 == 0x6  ? 2
                        : lead >> 4 == 0xE  ? 3
                        : lead >> 3 == 0x1E ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  uint32_t code = length == 1 ? lead : lead & (0x7FU >> length);
  for (size_t k = 1; k < length; ++k) {
    const auto next = static_cast<uint8_t>(text[k]);
    if (next >> 6 != 0x2) return 0;
    code = code << 6 | (next & 0x3FU);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_character =
      code >= kLeast[length] && code <= 0x10FFFF && !(code >= 0xD800 && code < 0xE000);
  return is_character ? length : 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = character_bytes(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  bool has_escape = false;
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_bytes(text.substr(at));
    const std::string_view character = text.substr(at, length == 0 ? 1 : length);
    at += character.size();
    if (length > 0 && !is_control(character)) {
      out += character == "\\" ? "\\\\" : character;
      continue;
    }
    has_escape = true;
    for (const char byte : character) {
      const auto value = static_cast<uint8_t>(byte);
      out += {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
    }
  }
  return has_escape ? out : std::string(text);
}

}  // namespace dtrain::util
