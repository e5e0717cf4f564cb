// What the readers of headers share: numbers in either byte order, and words for what is wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "image/bad_picture.h"

namespace dtrain::image {

using Bytes = std::span<const uint8_t>;

inline BadPicture cut_short(const std::string& cause) { return {Fault::kCutShort, cause}; }
inline BadPicture damaged(const std::string& cause) { return {Fault::kDamaged, cause}; }
inline BadPicture unsupported(const std::string& cause) { return {Fault::kUnsupported, cause}; }
inline BadPicture too_large(const std::string& cause) { return {Fault::kTooLarge, cause}; }

// The caller has checked that the bytes are there.
inline uint32_t big16(Bytes b, size_t at) { return uint32_t{b[at]} << 8 | b[at + 1]; }
inline uint32_t big32(Bytes b, size_t at) { return big16(b, at) << 16 | big16(b, at + 2); }
inline uint32_t little16(Bytes b, size_t at) { return uint32_t{b[at + 1]} << 8 | b[at]; }
inline uint32_t little32(Bytes b, size_t at) { return little16(b, at + 2) << 16 | little16(b, at); }

// Whether the text stands at that place; false beyond the end.
inline bool has_text(Bytes b, size_t at, std::string_view text) {
  return at <= b.size() && b.size() - at >= text.size() &&
         std::memcmp(b.data() + at, text.data(), text.size()) == 0;
}

}  // namespace dtrain::image
