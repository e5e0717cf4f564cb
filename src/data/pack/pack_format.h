// What a pack is called and how its samples are checked; docs/pack_format.md describes the rest.
#pragma once

#include <isa-l/crc.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/sample.h"

namespace dtrain::data {

inline constexpr const char* kPackFormat = "dtrain-pack";
inline constexpr int64_t kPackVersion = 1;

// What holds for the whole pack.
struct PackHeader {
  bool has_pixels = false;  // else the bytes of picture files
  ImageShape shape;         // of pixels
  std::vector<std::string> class_names;
  PixelStatistics statistics;  // may be empty
};

// As Python's zlib.crc32.
inline uint32_t pack_crc(std::span<const uint8_t> bytes) {
  return crc32_gzip_refl(0, bytes.data(), bytes.size());
}

}  // namespace dtrain::data
