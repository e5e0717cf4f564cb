// WebP (its container specification), BMP (the headers of Windows 2 to 5), TIFF 6.0, PNM (Netpbm),
// JPEG 2000 (ITU T.800, annexes A and I) and GIF (89a), as far as sizes and orientation go.
#include "image/other_headers.h"

#include <algorithm>

#include "image/tiff_directory.h"

namespace dtrain::image {
namespace {

Header header_of(Format format, int64_t width, int64_t height, int64_t channels) {
  Header header;
  header.format = format;
  header.width = width;
  header.height = height;
  header.channels = channels;
  return header;
}

uint32_t little24(Bytes b, size_t at) { return little16(b, at) | uint32_t{b[at + 2]} << 16; }

// --- WebP

struct WebpChunk {
  Bytes content;
  Bytes name;
};

// The chunk at `at`, which moves behind it. Throws where it is cut.
WebpChunk next_chunk(Bytes bytes, size_t& at) {
  if (bytes.size() - at < 8) throw cut_short("the file ends before the pixels of the WebP");
  const size_t length = little32(bytes, at + 4);
  if (bytes.size() - at - 8 < length) throw cut_short("a part of the WebP is cut short");
  const WebpChunk chunk{bytes.subspan(at + 8, length), bytes.subspan(at, 4)};
  at += 8 + std::min(length + length % 2, bytes.size() - at - 8);
  return chunk;
}

bool is_lossy(const WebpChunk& chunk) { return has_text(chunk.name, 0, "VP8 "); }
bool is_lossless(const WebpChunk& chunk) { return has_text(chunk.name, 0, "VP8L"); }

void read_bitstream(const WebpChunk& chunk, Header& header) {
  const Bytes b = chunk.content;
  if (is_lossy(chunk)) {
    if (b.size() < 10) throw cut_short("the file ends before the size of the WebP");
    if (b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a) throw damaged("the WebP has no start code");
    header.width = little16(b, 6) & 0x3fff;
    header.height = little16(b, 8) & 0x3fff;
  } else {
    if (b.size() < 5) throw cut_short("the file ends before the size of the WebP");
    if (b[0] != 0x2f) throw damaged("the WebP has no signature");
    const uint32_t bits = little32(b, 1);
    header.width = (bits & 0x3fff) + 1;
    header.height = (bits >> 14 & 0x3fff) + 1;
  }
}

Bytes webp_chunks(Bytes bytes) {
  const size_t length = little32(bytes, 4);
  if (bytes.size() - 8 < length) throw cut_short("the end of the WebP is missing");
  if (length < 4) throw damaged("the WebP has no content");
  return bytes.subspan(12, length - 4);
}

Header read_webp(Bytes bytes) {
  const Bytes all = webp_chunks(bytes);
  Header header = header_of(Format::kWebp, 0, 0, 3);
  Header stream;
  bool extended = false, animated = false, has_pixels = false;
  for (size_t at = 0; at < all.size();) {
    if (has_pixels && all.size() - at < 8) break;  // rubbish at the end
    const WebpChunk chunk = next_chunk(all, at);
    if (has_text(chunk.name, 0, "VP8X") && !extended) {
      if (chunk.content.size() < 10) throw damaged("the WebP header is too short");
      extended = true;
      animated = (chunk.content[0] & 0x02) != 0;
      if ((chunk.content[0] & 0x10) != 0) header.channels = 4;
      header.width = int64_t{little24(chunk.content, 4)} + 1;
      header.height = int64_t{little24(chunk.content, 7)} + 1;
    } else if (has_text(chunk.name, 0, "ANMF")) {
      header.pages = has_pixels ? 2 : 1;
      has_pixels = true;
    } else if (!has_pixels && (is_lossy(chunk) || is_lossless(chunk))) {
      read_bitstream(chunk, stream);
      has_pixels = true;
      if (!extended) {
        header.width = stream.width;
        header.height = stream.height;
      }
    } else if (has_text(chunk.name, 0, "EXIF")) {
      const size_t skipped = has_text(chunk.content, 0, std::string_view("Exif\0\0", 6)) ? 6 : 0;
      header.orientation = TiffDirectory(chunk.content.subspan(skipped)).orientation();
    }
  }
  if (!has_pixels) throw damaged("the WebP has no pixels");
  if (extended && !animated && (stream.width != header.width || stream.height != header.height)) {
    throw damaged("the WebP claims two sizes");
  }
  return header;
}

// --- BMP

Header read_bmp(Bytes b) {
  if (b.size() < 26) throw cut_short("the file ends before the size of the BMP");
  const size_t pixels_at = little32(b, 10), length = little32(b, 14);
  Header header = header_of(Format::kBmp, 0, 0, 3);
  uint32_t compression = 0;
  if (length == 12) {
    header.width = little16(b, 18);
    header.height = little16(b, 20);
    header.bits = little16(b, 24);
  } else {
    if (length < 40) throw damaged("the BMP header is too short");
    if (b.size() < 54) throw cut_short("the file ends before the size of the BMP");
    header.width = static_cast<int32_t>(little32(b, 18));
    header.height = std::abs(int64_t{static_cast<int32_t>(little32(b, 22))});  // < 0: from the top
    header.bits = little16(b, 28);
    compression = little32(b, 30);
  }
  if (header.width < 0) throw damaged("the BMP is " + std::to_string(header.width) + " wide");
  const int64_t bits = header.bits;
  if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32) {
    throw unsupported("a BMP of " + std::to_string(bits) + " bits a pixel is not supported");
  }
  const bool run_lengths = (compression == 1 && bits == 8) || (compression == 2 && bits == 4);
  const bool masks = compression == 3 && (bits == 16 || bits == 32);
  if (compression != 0 && !run_lengths && !masks) {
    throw unsupported("a BMP of compression " + std::to_string(compression) + " is not supported");
  }
  if (!run_lengths && header.width < int64_t{1} << 31 && header.height <= int64_t{1} << 31) {
    const uint64_t row = (static_cast<uint64_t>(header.width * bits) + 31) / 32 * 4;
    const uint64_t room = b.size() - std::min(b.size(), pixels_at);
    if (header.height > 0 && row > room / static_cast<uint64_t>(header.height)) {
      throw cut_short("the end of the BMP is missing");
    }
  }
  header.green_bits = 8;
  if (bits == 16) header.green_bits = masks && b.size() >= 66 && little32(b, 58) == 0x7e0 ? 6 : 5;
  header.bits = 8;
  if (bits <= 8) header.channels = 3;  // a palette
  return header;
}

// --- TIFF

Header read_tiff(Bytes bytes) {
  const TiffDirectory directory(bytes);
  using Tag = TiffDirectory::Tag;
  if (!directory.is_valid()) throw cut_short("the directory of the TIFF is missing");
  const auto width = directory.value(Tag::kWidth), height = directory.value(Tag::kHeight);
  if (!width || !height) throw damaged("the TIFF does not say its size");
  if (directory.end_of_pixels().value_or(0) > bytes.size()) {
    throw cut_short("the end of the TIFF is missing");
  }
  // libtiff reads more types of numbers than are known here.
  for (const Tag tag : {Tag::kBits,
                        Tag::kSamples,
                        Tag::kRowsPerStrip,
                        Tag::kTileWidth,
                        Tag::kTileHeight,
                        Tag::kSampleFormat}) {
    if (directory.has(tag) && !directory.value(tag))
      throw damaged("a number in the TIFF has no type");
  }
  Header header =
      header_of(Format::kTiff, *width, *height, directory.value(Tag::kSamples).value_or(1));
  header.bits = directory.value(Tag::kBits).value_or(1);
  header.orientation = directory.orientation();
  header.pages = directory.has_next() ? 2 : 1;
  const uint32_t photometric = directory.value(Tag::kPhotometric).value_or(1);
  header.cmyk = photometric == 5;
  if (header.channels < 1 || header.channels > 5) {
    throw unsupported("a TIFF of " + std::to_string(header.channels) +
                      " channels is not supported");
  }
  if (directory.value(Tag::kSampleFormat).value_or(1) != 1 ||
      (header.bits != 1 && header.bits != 2 && header.bits != 4 && header.bits != 8 &&
       header.bits != 16)) {
    throw unsupported("a TIFF whose samples are not of 1 to 16 bits, unsigned, is not supported");
  }
  if (photometric == 3) header.channels = 3;  // a palette
  header.channels = std::min<int64_t>(header.channels, 4);
  // A tile is decoded as a whole, however small the image is.
  const uint64_t tile = uint64_t{directory.value(Tag::kTileWidth).value_or(0)} *
                        directory.value(Tag::kTileHeight).value_or(0);
  if (tile > std::max<uint64_t>(uint64_t{*width} * *height * 4, 1 << 20)) {
    throw damaged("the tiles of the TIFF are larger than the image");
  }
  return header;
}

// --- PNM

class PnmReader {
 public:
  explicit PnmReader(Bytes bytes) : bytes_(bytes) {}

  int64_t number() {
    while (at_ < bytes_.size() && !is_digit()) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n' && bytes_[at_] != '\r') ++at_;
      } else if (std::strchr(" \t\n\v\f\r", bytes_[at_]) == nullptr || bytes_[at_] == 0) {
        throw damaged("the PNM header has something else than numbers");
      } else {
        ++at_;
      }
    }
    int64_t value = 0;
    for (; at_ < bytes_.size() && is_digit(); ++at_) {
      value = std::min<int64_t>(value * 10 + (bytes_[at_] - '0'), UINT32_MAX);
    }
    if (at_ >= bytes_.size()) throw cut_short("the file ends before the size of the PNM");
    return value;
  }
  size_t rest() const { return bytes_.size() - at_ - 1; }  // behind the one blank

 private:
  bool is_digit() const { return bytes_[at_] >= '0' && bytes_[at_] <= '9'; }
  Bytes bytes_;
  size_t at_ = 2;
};

Header read_pnm(Bytes bytes) {
  const int kind = bytes[1] - '0';
  PnmReader reader(bytes);
  const int64_t width = reader.number(), height = reader.number();
  Header header = header_of(Format::kPnm, width, height, kind % 3 == 0 ? 3 : 1);
  const bool bitmap = kind == 1 || kind == 4;
  const int64_t most = bitmap ? 1 : reader.number();
  if (!bitmap && most != 255 && most != 65535) {
    throw unsupported("a PNM whose values end at " + std::to_string(most) +
                      " (not 255 or 65535) is not supported");
  }
  header.bits = bitmap ? 1 : most == 255 ? 8 : 16;
  // Numbers as text take two bytes each, but the bits of a P1 may stand together.
  const uint64_t values = static_cast<uint64_t>(width) * static_cast<uint64_t>(header.channels);
  const uint64_t row = kind == 1  ? values
                       : kind < 4 ? values * 2
                       : bitmap   ? (values + 7) / 8
                                  : values * static_cast<uint64_t>(header.bits / 8);
  const uint64_t room = reader.rest() + (kind < 4 ? 1 : 0);  // the last number needs no blank
  if (height > 0 && row > room / static_cast<uint64_t>(height)) {
    throw cut_short("the end of the PNM is missing");
  }
  return header;
}

// --- JPEG 2000

// From its first marker on.
Header read_codestream(Bytes b) {
  if (b.size() < 42) throw cut_short("the file ends before the size of the JPEG 2000");
  if (big32(b, 0) != 0xFF4FFF51) throw damaged("the JPEG 2000 does not begin with its size");
  const int64_t components = big16(b, 40);
  const auto side = [&](size_t end, size_t begin) {
    return std::max<int64_t>(0, int64_t{big32(b, end)} - int64_t{big32(b, begin)});
  };
  Header header = header_of(Format::kJpeg2000, side(8, 16), side(12, 20), components);
  if (components < 1 || components > 4) {
    throw unsupported("a JPEG 2000 of " + std::to_string(components) +
                      " channels is not supported");
  }
  if (b.size() < 42 + size_t(components) * 3) {
    throw cut_short("the file ends before the size of the JPEG 2000");
  }
  header.bits = (b[42] & 0x7f) + 1;
  for (size_t i = 0; i < size_t(components); ++i) {
    if (b[42 + 3 * i] != b[42] || b[43 + 3 * i] != 1 || b[44 + 3 * i] != 1) {
      throw unsupported("a JPEG 2000 whose channels differ in size or bits is not supported");
    }
  }
  if (header.bits != 8 && header.bits != 16) {
    throw unsupported("a JPEG 2000 of " + std::to_string(header.bits) +
                      " bits a channel is not supported");
  }
  // Each tile takes memory, however few bytes it has.
  const int64_t tile_width = big32(b, 24), tile_height = big32(b, 28);
  if (tile_width == 0 || tile_height == 0) throw damaged("the JPEG 2000 has tiles of no size");
  const int64_t across = header.width / tile_width + 1, down = header.height / tile_height + 1;
  if (across > 65535 / down) throw damaged("the JPEG 2000 has more tiles than the format allows");
  if (big16(b, b.size() - 2) != 0xFFD9) throw cut_short("the end of the JPEG 2000 is missing");
  return header;
}

Header read_jp2(Bytes bytes) {
  for (size_t at = 0; bytes.size() - at >= 8;) {
    size_t length = big32(bytes, at), head = 8;
    if (length == 1) {
      if (bytes.size() - at < 16) break;
      if (big32(bytes, at + 8) != 0) throw cut_short("the end of the JPEG 2000 is missing");
      length = big32(bytes, at + 12);
      head = 16;
    } else if (length == 0) {
      length = bytes.size() - at;
    }
    if (length < head) throw damaged("a box of the JPEG 2000 is too short");
    if (bytes.size() - at < length) throw cut_short("the end of the JPEG 2000 is missing");
    if (has_text(bytes, at + 4, "jp2c")) {
      return read_codestream(bytes.subspan(at + head, length - head));
    }
    at += length;
  }
  throw cut_short("the JPEG 2000 has no pixels");
}

// --- GIF

Header read_gif(Bytes b) {
  if (b.size() < 13) throw cut_short("the file ends before the size of the GIF");
  Header header = header_of(Format::kGif, little16(b, 6), little16(b, 8), 3);
  const auto table = [](uint8_t flags) {
    return (flags & 0x80) != 0 ? size_t{6} << (flags & 7) : size_t{0};
  };
  // To the second frame, if there is one.
  int64_t frames = 0;
  size_t at = 13 + table(b[10]);
  while (at < b.size() && frames < 2 && b[at] != 0x3B) {
    if (b[at] == 0x2C) {
      ++frames;
      if (b.size() - at < 11) break;
      if (frames == 1 && (little16(b, at + 1) + little16(b, at + 5) > header.width ||
                          little16(b, at + 3) + little16(b, at + 7) > header.height)) {
        throw damaged("the first frame of the GIF is larger than the image");
      }
      at += 11 + table(b[at + 9]);
    } else if (b[at] == 0x21) {
      at += 2;
    } else {
      if (frames == 0) throw damaged("the GIF has an unknown block");
      break;
    }
    while (at < b.size() && b[at] != 0) at += 1 + size_t{b[at]};
    ++at;
  }
  if (frames == 0) throw cut_short("the GIF has no pixels");
  header.pages = frames;
  return header;
}

}  // namespace

std::optional<Header> read_other_header(Bytes b) {
  if (b.size() >= 12 && has_text(b, 0, "RIFF") && has_text(b, 8, "WEBP")) return read_webp(b);
  if (has_text(b, 0, "BM")) return read_bmp(b);
  if (has_text(b, 0, std::string_view("II*\0", 4)) ||
      has_text(b, 0, std::string_view("MM\0*", 4))) {
    return read_tiff(b);
  }
  if (b.size() >= 3 && b[0] == 'P' && b[1] >= '1' && b[1] <= '6' &&
      (b[2] == '#' || b[2] == ' ' || (b[2] >= '\t' && b[2] <= '\r'))) {
    return read_pnm(b);
  }
  if (has_text(b, 0, std::string_view("\0\0\0\x0CjP  \r\n\x87\n", 12))) return read_jp2(b);
  if (has_text(b, 0, "\xFF\x4F\xFF\x51")) return read_codestream(b);
  if (has_text(b, 0, "GIF87a") || has_text(b, 0, "GIF89a")) return read_gif(b);
  return {};
}

WebpFrame first_frame(Bytes webp) {
  WebpFrame frame;
  const Bytes all = webp_chunks(webp);
  for (size_t at = 0; all.size() - at >= 8;) {
    const WebpChunk chunk = next_chunk(all, at);
    if (!has_text(chunk.name, 0, "ANMF")) continue;
    if (chunk.content.size() < 24) throw damaged("the first frame of the WebP is too short");
    frame.left = int64_t{little24(chunk.content, 0)} * 2;
    frame.top = int64_t{little24(chunk.content, 3)} * 2;
    frame.width = int64_t{little24(chunk.content, 6)} + 1;
    frame.height = int64_t{little24(chunk.content, 9)} + 1;
    const Bytes parts = chunk.content.subspan(16);
    for (size_t part = 0; part < parts.size();) {
      const WebpChunk pixels = next_chunk(parts, part);
      if (!is_lossy(pixels) && !is_lossless(pixels)) continue;  // alpha is not used
      Header stream;
      read_bitstream(pixels, stream);
      if (stream.width != frame.width || stream.height != frame.height) {
        throw damaged("the first frame of the WebP claims two sizes");
      }
      const size_t length = pixels.content.size(), padded = length + length % 2;
      frame.file.assign({'R', 'I', 'F', 'F', 0, 0, 0, 0, 'W', 'E', 'B', 'P'});
      frame.file.insert(frame.file.end(), pixels.name.begin(), pixels.name.end());
      for (size_t i = 0; i < 4; ++i) {
        frame.file[4 + i] = static_cast<uint8_t>((12 + padded) >> 8 * i);
        frame.file.push_back(static_cast<uint8_t>(length >> 8 * i));
      }
      frame.file.insert(frame.file.end(), pixels.content.begin(), pixels.content.end());
      frame.file.resize(20 + padded);
      return frame;
    }
    throw damaged("the first frame of the WebP has no pixels");
  }
  return frame;
}

}  // namespace dtrain::image
