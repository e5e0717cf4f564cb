#include "render/markup.h"

#include <cstdint>

#include "util/text.h"
#include "util/utf8.h"

namespace dtrain::render {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = util::character_bytes(text.substr(at));
    if (length != 1) {
      out += length == 0 ? std::string_view(kReplacement) : text.substr(at, length);
      at += length == 0 ? 1 : length;
      continue;
    }
    const char letter = text[at++];
    switch (letter) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += uint8_t(letter) < 0x20 || letter == 0x7F ? ' ' : letter;
    }
  }
  return out;
}

std::string svg_number(double value) {
  std::string text = util::without_trailing_zeros(util::formatted("%.2f", value));
  return text == "-0" ? "0" : text;
}

std::string base64(std::string_view bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < bytes.size() ? uint8_t(bytes[at + i]) : 0U);
    }
    for (size_t i = 0; i < 4; ++i) {
      const bool is_padding = at + i > bytes.size();
      out += is_padding ? '=' : kDigits[group >> (18 - 6 * i) & 63U];
    }
  }
  return out;
}

}  // namespace dtrain::render
