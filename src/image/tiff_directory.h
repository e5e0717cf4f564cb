// The first directory of a TIFF structure (TIFF 6.0, section 2), which EXIF uses too.
#pragma once

#include <cstdint>
#include <optional>

#include "image/header_bytes.h"

namespace dtrain::image {

// Never throws and reads nothing outside of the bytes: what makes no sense is absent.
class TiffDirectory {
 public:
  enum Tag : uint32_t {
    kWidth = 256,
    kHeight = 257,
    kBits = 258,
    kCompression = 259,
    kPhotometric = 262,
    kStripOffsets = 273,
    kOrientation = 274,
    kSamples = 277,
    kRowsPerStrip = 278,
    kStripBytes = 279,
    kTileWidth = 322,
    kTileHeight = 323,
    kTileOffsets = 324,
    kTileBytes = 325,
    kExtraSamples = 338,
    kSampleFormat = 339,
  };

  explicit TiffDirectory(Bytes bytes);

  // All of its entries are there.
  bool is_valid() const { return entries_ > 0 && is_whole_; }
  bool has_next() const { return has_next_; }

  // Whether the tag is there, of whatever type.
  bool has(Tag tag) const;

  // Of a tag of bytes, 16-bit or 32-bit numbers, the first one.
  std::optional<uint32_t> value(Tag tag) const;

  // The orientation, 1 .. 8; 1 where there is none that makes sense.
  int64_t orientation() const;

  // Where the pixels end, of strips or of tiles, if the directory says so.
  std::optional<uint64_t> end_of_pixels() const;

  // Writes the number of a tag anew in a copy of the bytes; does nothing without the tag, or where
  // it has more numbers than stand in the directory.
  void patch(Tag tag, uint32_t number, std::span<uint8_t> copy) const;

 private:
  struct Place {
    size_t at = 0;
    size_t size = 0;   // 1, 2 or 4 bytes
    size_t count = 0;  // that are inside of the bytes
  };
  std::optional<Place> find(Tag tag) const;
  uint32_t half(size_t at) const { return little_ ? little16(bytes_, at) : big16(bytes_, at); }
  uint32_t word(size_t at) const { return little_ ? little32(bytes_, at) : big32(bytes_, at); }

  uint32_t number(const Place& place, size_t index) const;
  std::optional<uint64_t> end_of(Tag offsets, Tag sizes) const;

  Bytes bytes_;
  bool little_ = false, has_next_ = false, is_whole_ = false;
  size_t first_ = 0, entries_ = 0;  // of those that are inside of the bytes
};

}  // namespace dtrain::image
