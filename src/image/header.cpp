// The headers of JPEG (ITU T.81, annex B) and PNG (W3C, 3rd edition, section 5 and 11), and of what
// other_headers.h knows, as far as sizes and orientation go. Every length is checked before it is
// used.
#include "image/header.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "image/bad_picture.h"
#include "image/foreign_format.h"
#include "image/header_bytes.h"
#include "image/other_headers.h"
#include "image/tiff_directory.h"
#include "util/text.h"

namespace dtrain::image {
namespace {

constexpr uint8_t kPngSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

void read_frame(Bytes segment, uint8_t marker, Header& header) {
  if (segment.size() < 6) throw damaged("the JPEG frame header is too short");
  header.bits = segment[0];
  header.height = big16(segment, 1);
  header.width = big16(segment, 3);
  header.channels = segment[5];
  header.progressive = marker == 0xC2;
  header.cmyk = header.channels == 4;
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
      header.orientation = TiffDirectory(segment.subspan(6)).orientation();
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
      header.orientation = TiffDirectory(bytes.subspan(at + 8, length)).orientation();
    }
    at += 12 + length;
  }
  return header;
}

// Of the result and what the decoder holds beside it.
int64_t bytes_per_pixel(const Header& header) {
  constexpr int64_t kResult = 3;
  switch (header.format) {
    case Format::kWebp:
      return kResult + 4;
    case Format::kTiff:  // a strip may be the whole image
      return kResult + 4 + header.channels * (header.bits == 16 ? 2 : 1);
    case Format::kJpeg2000:  // 32 bits a channel
      return kResult + 8 * header.channels;
    default:
      return kResult;
  }
}

}  // namespace

Header read_header(std::span<const uint8_t> bytes, const Limits& limits) {
  if (bytes.empty()) throw BadPicture(Fault::kEmpty, "the file is empty");
  Header header;
  if (bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF) {
    header = read_jpeg(bytes);
  } else if (bytes.size() >= 8 && std::memcmp(bytes.data(), kPngSignature, 8) == 0) {
    header = read_png(bytes);
  } else if (const std::string foreign = foreign_format(bytes); !foreign.empty()) {
    throw unsupported("is " + foreign + ", which is not decoded: convert it to JPEG or PNG");
  } else if (const auto other = read_other_header(bytes)) {
    header = *other;
  } else {
    throw BadPicture(Fault::kNotAPicture, "no image of a known format by its content");
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
  // Rows of a PNG are not reached but by way of those before, so all of it is decoded; and so is
  // what the module decodes.
  const auto memory = static_cast<uint64_t>(memory_to_decode(header));
  if (header.format != Format::kJpeg && memory > static_cast<uint64_t>(limits.max_memory)) {
    throw too_large(std::string("decoding a ") + name_of(header.format) + " of " + size +
                    " pixels takes " + std::to_string(memory >> 20) + " MB, more than " +
                    std::to_string(limits.max_memory >> 20) + " are not spent on a picture");
  }
  return header;
}

int64_t memory_to_decode(const Header& header, bool all) {
  const int64_t pixels = header.width * header.height;
  if (header.format != Format::kJpeg) return pixels * bytes_per_pixel(header);
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
