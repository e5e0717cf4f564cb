// The headers of JPEG (ITU T.81, annex B) and PNG (W3C, 3rd edition, section 5 and 11), as far as
// sizes and orientation go. Every length is checked before it is used.
#include "image/header.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "image/bad_picture.h"
#include "util/text.h"

namespace dtrain::image {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr uint8_t kPngSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

BadPicture cut_short(const std::string& cause) { return {Fault::kCutShort, cause}; }
BadPicture damaged(const std::string& cause) { return {Fault::kDamaged, cause}; }
BadPicture unsupported(const std::string& cause) { return {Fault::kUnsupported, cause}; }
BadPicture too_large(const std::string& cause) { return {Fault::kTooLarge, cause}; }

uint32_t big16(Bytes b, size_t at) { return uint32_t{b[at]} << 8 | b[at + 1]; }
uint32_t big32(Bytes b, size_t at) { return big16(b, at) << 16 | big16(b, at + 2); }

// A TIFF structure in the byte order that it names.
class Tiff {
 public:
  explicit Tiff(Bytes bytes) : bytes_(bytes) {
    if (bytes.size() >= 8 && std::memcmp(bytes.data(), "II*\0", 4) == 0) little_ = true;
    valid_ = little_ || (bytes.size() >= 8 && std::memcmp(bytes.data(), "MM\0*", 4) == 0);
  }
  // The orientation in the first directory; 1 where there is none that makes sense.
  int64_t orientation() const {
    if (!valid_) return 1;
    const size_t directory = word(4);
    if (directory > bytes_.size() || bytes_.size() - directory < 2) return 1;
    const size_t entries = half(directory);
    for (size_t i = 0; i < entries; ++i) {
      const size_t entry = directory + 2 + 12 * i;
      if (bytes_.size() - directory < 2 + 12 * (i + 1)) break;
      if (half(entry) != 0x0112) continue;
      const auto value = static_cast<int64_t>(half(entry + 8));
      return value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
  }

 private:
  uint32_t half(size_t at) const {
    return little_ ? uint32_t{bytes_[at + 1]} << 8 | bytes_[at] : big16(bytes_, at);
  }
  uint32_t word(size_t at) const {
    return little_ ? half(at + 2) << 16 | half(at) : half(at) << 16 | half(at + 2);
  }
  Bytes bytes_;
  bool little_ = false, valid_ = false;
};

void read_frame(Bytes segment, uint8_t marker, Header& header) {
  if (segment.size() < 6) throw damaged("the JPEG frame header is too short");
  header.bits = segment[0];
  header.height = big16(segment, 1);
  header.width = big16(segment, 3);
  header.channels = segment[5];
  header.progressive = marker == 0xC2;
  if (header.bits != 8) {
    throw unsupported("a JPEG of " + std::to_string(header.bits) +
                      " bits a channel is not supported");
  }
  if (header.channels != 1 && header.channels != 3 && header.channels != 4) {
    throw unsupported("a JPEG of " + std::to_string(header.channels) +
                      " channels is not supported");
  }
}

// Whether the first scan behind `at` has some of the channels only, so that others follow. What is
// damaged there is for the decoder to find.
bool first_scan_is_partial(Bytes bytes, size_t at, int64_t channels) {
  while (at + 5 <= bytes.size()) {
    if (bytes[at] != 0xFF || bytes[at + 1] == 0xFF) {
      ++at;
    } else if (bytes[at + 1] == 0xDA) {
      return bytes[at + 4] < channels;
    } else {
      at += 2 + big16(bytes, at + 2);
    }
  }
  return false;
}

Header read_jpeg(Bytes bytes) {
  Header header;
  header.format = Format::kJpeg;
  size_t at = 2;
  for (;;) {
    while (at < bytes.size() && bytes[at] != 0xFF) ++at;  // as libjpeg: rubbish between segments
    while (at < bytes.size() && bytes[at] == 0xFF) ++at;
    if (at >= bytes.size()) throw cut_short("the file ends before the size of the JPEG");
    const uint8_t marker = bytes[at++];
    if (marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;
    if (marker == 0xD9 || marker == 0xDA) throw damaged("the JPEG has no frame header");
    if (bytes.size() - at < 2) throw cut_short("the file ends before the size of the JPEG");
    const size_t length = big16(bytes, at);
    if (length < 2 || bytes.size() - at < length) {
      throw cut_short("the file ends before the size of the JPEG");
    }
    const Bytes segment = bytes.subspan(at + 2, length - 2);
    at += length;
    if (marker == 0xE1 && segment.size() > 6 && std::memcmp(segment.data(), "Exif\0\0", 6) == 0) {
      header.orientation = Tiff(segment.subspan(6)).orientation();
    }
    if (marker < 0xC0 || marker > 0xCF || marker == 0xC4 || marker == 0xC8 || marker == 0xCC) {
      continue;
    }
    if (marker > 0xC2) throw unsupported("lossless and arithmetic JPEG are not supported");
    read_frame(segment, marker, header);
    header.progressive |= first_scan_is_partial(bytes, at, header.channels);
    return header;
  }
}

Header read_png(Bytes bytes) {
  if (bytes.size() < 33) throw cut_short("the file ends before the size of the PNG");
  if (big32(bytes, 8) != 13 || std::memcmp(&bytes[12], "IHDR", 4) != 0) {
    throw damaged("the PNG does not begin with its header");
  }
  Header header;
  header.format = Format::kPng;
  header.width = big32(bytes, 16);
  header.height = big32(bytes, 20);
  header.bits = bytes[24];
  header.progressive = bytes[28] != 0;
  switch (bytes[25]) {
    case 0:
      header.channels = 1;
      break;
    case 4:
      header.channels = 2;
      break;
    case 2:
    case 3:  // a palette of colours
      header.channels = 3;
      break;
    case 6:
      header.channels = 4;
      break;
    default:
      throw damaged("a PNG of colour type " + std::to_string(bytes[25]) + " does not exist");
  }
  // Chunks up to the pixels: one of them may hold EXIF.
  for (size_t at = 8; bytes.size() - at >= 12;) {
    const size_t length = big32(bytes, at);
    if (std::memcmp(&bytes[at + 4], "IDAT", 4) == 0 || length > bytes.size() - at - 12) break;
    if (std::memcmp(&bytes[at + 4], "eXIf", 4) == 0) {
      header.orientation = Tiff(bytes.subspan(at + 8, length)).orientation();
    }
    at += 12 + length;
  }
  return header;
}

}  // namespace

Header read_header(std::span<const uint8_t> bytes, const Limits& limits) {
  if (bytes.empty()) throw BadPicture(Fault::kEmpty, "the file is empty");
  Header header;
  if (bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF) {
    header = read_jpeg(bytes);
  } else if (bytes.size() >= 8 && std::memcmp(bytes.data(), kPngSignature, 8) == 0) {
    header = read_png(bytes);
  } else {
    throw BadPicture(Fault::kNotAPicture, "neither JPEG nor PNG by its content");
  }
  const std::string size = util::extents({header.width, header.height});
  if (header.width == 0 || header.height == 0) throw damaged("an image of " + size + " pixels");
  // Both are below 2^32, so the product fits.
  const auto pixels = static_cast<uint64_t>(header.width) * static_cast<uint64_t>(header.height);
  if (pixels > static_cast<uint64_t>(limits.max_pixels)) {
    throw too_large("the header claims " + size + " pixels, more than " +
                    std::to_string(limits.max_pixels) + " are not read");
  }
  const auto plausible = std::max<uint64_t>(
      1'000'000, bytes.size() * static_cast<uint64_t>(limits.max_pixels_per_byte));
  if (pixels > plausible) {
    throw too_large("the header claims " + size + " pixels, which " + std::to_string(bytes.size()) +
                    " bytes cannot hold");
  }
  // Rows of a PNG are not reached but by way of those before, so all of it is decoded.
  if (header.format == Format::kPng && pixels * 3 > static_cast<uint64_t>(limits.max_memory)) {
    throw too_large("decoding a PNG of " + size + " pixels takes " +
                    std::to_string(pixels * 3 >> 20) + " MB, more than " +
                    std::to_string(limits.max_memory >> 20) + " are not spent on a picture");
  }
  return header;
}

int64_t memory_to_decode(const Header& header, bool all) {
  const int64_t pixels = header.width * header.height;
  if (header.format == Format::kPng) return pixels * 3;
  return (header.progressive ? pixels * header.channels * int64_t{sizeof(int16_t)} : 0) +
         (all ? pixels * 3 : 0);
}

void expect_room_for_all(const Header& header, const Limits& limits) {
  const int64_t bytes = header.width * header.height * 3;
  if (bytes <= limits.max_memory) return;
  throw too_large("decoded in full it takes " + std::to_string(bytes >> 20) + " MB, more than " +
                  std::to_string(limits.max_memory >> 20) +
                  " are not spent on a picture (transforms.exact_decoding=false needs less)");
}

}  // namespace dtrain::image
