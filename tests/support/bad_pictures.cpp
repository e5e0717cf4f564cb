// Recipes for bad pictures, one function a kind.
#include "tests/support/bad_pictures.h"

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <stdexcept>

#include "tests/support/pictures.h"
#include "util/random.h"

namespace dtrain::testing {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;
using util::CounterRng;

const std::vector<Bytes>& whole_files(const std::string& ending) {
  const auto read = [](const std::string& wanted) {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(kPictures)) {
      if (entry.path().extension() == wanted) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Bytes> files;
    for (const fs::path& path : paths) files.push_back(bytes_of(path));
    return files;
  };
  static const std::vector<Bytes> jpegs = read(".jpg"), pngs = read(".png");
  return ending == ".jpg" ? jpegs : pngs;
}

Bytes one_of(const std::string& ending, CounterRng& rng) {
  const auto& files = whole_files(ending);
  return files[size_t(rng.below(int64_t(files.size())))];
}

size_t pick(CounterRng& rng, size_t size) { return size_t(rng.below(int64_t(size))); }

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
void append(Bytes& to, const std::string& more) { to.insert(to.end(), more.begin(), more.end()); }

void put_big32(Bytes& to, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(uint8_t(value >> shift));
}

const Bytes kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

Bytes png_chunk(const std::string& type, const Bytes& content) {
  Bytes chunk;
  put_big32(chunk, uint32_t(content.size()));
  append(chunk, type);
  append(chunk, content);
  put_big32(chunk, uint32_t(::crc32(0, chunk.data() + 4, uInt(chunk.size() - 4))));
  return chunk;
}

Bytes png_header(uint32_t width, uint32_t height, uint8_t bits, uint8_t colour) {
  Bytes content;
  put_big32(content, width);
  put_big32(content, height);
  append(content, Bytes{bits, colour, 0, 0, 0});
  return png_chunk("IHDR", content);
}

// `size` times the same byte, in zlib's format and without ever holding them.
Bytes deflated_run(uint8_t value, size_t size) {
  z_stream stream = {};
  if (::deflateInit(&stream, 9) != Z_OK) throw std::runtime_error("zlib cannot start");
  Bytes in(size_t{64} << 10, value), piece(in.size()), out;
  for (int result = Z_OK; result != Z_STREAM_END;) {
    if (stream.avail_in == 0) {
      stream.next_in = in.data();
      stream.avail_in = uInt(std::min(in.size(), size));
      size -= stream.avail_in;
    }
    stream.next_out = piece.data();
    stream.avail_out = uInt(piece.size());
    result = ::deflate(&stream, size == 0 ? Z_FINISH : Z_NO_FLUSH);
    out.insert(out.end(), piece.begin(), piece.end() - std::ptrdiff_t(stream.avail_out));
  }
  ::deflateEnd(&stream);
  return out;
}

Bytes png(const std::vector<Bytes>& chunks) {
  Bytes out = kPngSignature;
  for (const Bytes& chunk : chunks) append(out, chunk);
  append(out, png_chunk("IEND", {}));
  return out;
}

// The start of the first segment with a marker in [low, high]; of its 0xFF.
size_t segment_at(const Bytes& jpeg, uint8_t low, uint8_t high) {
  size_t at = 2;
  while (at + 4 <= jpeg.size()) {
    const uint8_t marker = jpeg[at + 1];
    if (marker >= low && marker <= high && marker != 0xC4) return at;
    at += 2 + (size_t{jpeg[at + 2]} << 8 | jpeg[at + 3]);
  }
  throw std::logic_error("a whole JPEG has that segment");
}
size_t frame_at(const Bytes& jpeg) { return segment_at(jpeg, 0xC0, 0xC2); }

Bytes with_segment(const Bytes& jpeg, uint8_t marker, const Bytes& content) {
  Bytes out = {0xFF, 0xD8, 0xFF, marker};
  out.push_back(uint8_t((content.size() + 2) >> 8));
  out.push_back(uint8_t(content.size() + 2));
  append(out, content);
  out.insert(out.end(), jpeg.begin() + 2, jpeg.end());
  return out;
}

// --- recipes
// ---------------------------------------------------------------------------------------

Bytes cut(const std::string& ending, CounterRng& rng) {
  Bytes bytes = one_of(ending, rng);
  bytes.resize(1 + pick(rng, bytes.size() - 1));
  return bytes;
}

Bytes flipped(const std::string& ending, CounterRng& rng, bool in_header) {
  Bytes bytes = one_of(ending, rng);
  const size_t range = in_header ? std::min<size_t>(bytes.size(), 400) : bytes.size();
  for (int64_t flips = 1 + rng.below(8); flips > 0; --flips) {
    bytes[pick(rng, range)] ^= uint8_t(1 << rng.below(8));
  }
  return bytes;
}

Bytes jpeg_claim(CounterRng& rng) {
  Bytes bytes = one_of(".jpg", rng);
  const size_t at = frame_at(bytes);
  const auto high = [&] { return uint8_t(4 + rng.below(252)); };  // at least 1024
  bytes[at + 5] = high();
  bytes[at + 7] = high();
  return bytes;
}

// The header of a PNG with other numbers and a right checksum, so that they are believed.
Bytes png_with_header(const Bytes& whole, const Bytes& header_chunk) {
  Bytes bytes = kPngSignature;
  append(bytes, header_chunk);
  bytes.insert(bytes.end(), whole.begin() + 33, whole.end());
  return bytes;
}

Bytes png_claim(CounterRng& rng) {
  const auto side = [&] { return uint32_t(1000 + rng.below(int64_t{1} << (10 + rng.below(21)))); };
  const Bytes whole = one_of(".png", rng);
  return png_with_header(whole, png_header(side(), side(), whole[24], whole[25]));
}

Bytes png_odd_header(CounterRng& rng) {
  const Bytes whole = one_of(".png", rng);
  return png_with_header(whole,
                         png_header(90, 70, uint8_t(1 << rng.below(5)), uint8_t(rng.below(8))));
}

Bytes png_interlace_lie(CounterRng& rng) {
  Bytes content = one_of(".png", rng);
  Bytes header(content.begin() + 16, content.begin() + 29);
  header[12] = uint8_t(1 - header[12]);
  return png_with_header(content, png_chunk("IHDR", header));
}

Bytes wrong_jpeg_length(CounterRng& rng) {
  Bytes bytes = one_of(".jpg", rng);
  std::vector<size_t> places;
  for (size_t at = 2; at + 4 <= bytes.size() && bytes[at + 1] != 0xDA;) {
    places.push_back(at);
    at += 2 + (size_t{bytes[at + 2]} << 8 | bytes[at + 3]);
  }
  const size_t at = places[pick(rng, places.size())];
  bytes[at + 2] = uint8_t(rng.below(4) == 0 ? 0 : rng.below(256));
  bytes[at + 3] = uint8_t(rng.below(256));
  return bytes;
}

// The start of a random chunk, of its length.
size_t chunk_at(const Bytes& bytes, CounterRng& rng) {
  std::vector<size_t> places;
  for (size_t at = 8; at + 12 <= bytes.size();) {
    places.push_back(at);
    size_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | bytes[at + size_t(i)];
    at += 12 + length;
  }
  return places[pick(rng, places.size())];
}

Bytes wrong_png_length(CounterRng& rng) {
  Bytes bytes = one_of(".png", rng);
  const size_t at = chunk_at(bytes, rng);
  bytes[at + pick(rng, 4)] ^= uint8_t(1 + rng.below(255));
  return bytes;
}

// Of a chunk that matters: the header or the pixels.
Bytes wrong_png_checksum(CounterRng& rng) {
  Bytes bytes = one_of(".png", rng);
  const auto pixels =
      std::search(bytes.begin(), bytes.end(), std::begin("IDAT"), std::prev(std::end("IDAT")));
  const size_t at = rng.below(2) == 0 ? 8 : size_t(pixels - bytes.begin()) - 4;
  size_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | bytes[at + size_t(i)];
  bytes[at + 8 + length + pick(rng, 4)] ^= uint8_t(1 + rng.below(255));
  return bytes;
}

// Few rows claimed, and pixels that go on and on.
Bytes png_pixel_bomb(CounterRng&) {
  static const Bytes zeros = deflated_run(0, size_t{50} << 20);
  return png({png_header(64, 64, 8, 2), png_chunk("IDAT", zeros)});
}

// As many pixels as are let through, all of them there.
Bytes png_largest(CounterRng&) {
  static const Bytes zeros = deflated_run(0, size_t{7400} * (7400 * 3 + 1));
  return png({png_header(7400, 7400, 8, 2), png_chunk("IDAT", zeros)});
}

// Texts that inflate to 8 MB each.
Bytes png_text_bomb(CounterRng&) {
  static const Bytes letters = deflated_run('a', size_t{8} << 20);
  Bytes text = {'a', 0, 0};
  append(text, letters);
  std::vector<Bytes> chunks = {png_header(8, 8, 8, 0)};
  for (int i = 0; i < 100; ++i) chunks.push_back(png_chunk("zTXt", text));
  chunks.push_back(png_chunk("IDAT", deflated_run(0, 8 * 9)));
  return png(chunks);
}

Bytes png_without_palette(CounterRng& rng) {
  const uint32_t side = uint32_t(1 + rng.below(64));
  return png({png_header(side, side, 8, 3), png_chunk("IDAT", deflated_run(0, (side + 1) * side))});
}

Bytes png_short_of_rows(CounterRng& rng) {
  const auto side = uint32_t(2 + rng.below(60));
  const size_t rows = size_t(side * 3 + 1) * (side - 1);
  return png({png_header(side, side, 8, 2), png_chunk("IDAT", deflated_run(0, rows))});
}

Bytes png_without_pixels(CounterRng& rng) {
  return png({png_header(uint32_t(1 + rng.below(99)), 5, 8, 2)});
}

Bytes unknown_kind_of_jpeg(CounterRng& rng) {
  constexpr uint8_t kFrames[] = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF};
  Bytes bytes = one_of(".jpg", rng);
  bytes[frame_at(bytes) + 1] = kFrames[rng.below(std::size(kFrames))];
  return bytes;
}

Bytes twelve_bits(CounterRng& rng) {
  Bytes bytes = one_of(".jpg", rng);
  bytes[frame_at(bytes) + 4] = 12;
  return bytes;
}

Bytes missing_table(CounterRng& rng) {
  Bytes bytes = one_of(".jpg", rng);
  const uint8_t marker = rng.below(2) == 0 ? 0xDB : 0xDA;  // no quantisation, or no pixels
  const size_t at = segment_at(bytes, marker, marker);
  bytes.erase(
      bytes.begin() + std::ptrdiff_t(at),
      bytes.begin() + std::ptrdiff_t(at + 2 + (size_t{bytes[at + 2]} << 8 | bytes[at + 3])));
  return bytes;
}

Bytes circling_exif(CounterRng& rng) {
  Bytes exif;
  append(exif, std::string("Exif\0\0II*\0", 10));
  const auto offset = uint32_t(rng.below(3) == 0 ? rng.next() : 8);
  for (int i = 0; i < 4; ++i) exif.push_back(uint8_t(offset >> 8 * i));
  const auto entries = uint16_t(rng.below(2) == 0 ? 0xFFFF : 2);
  exif.push_back(uint8_t(entries));
  exif.push_back(uint8_t(entries >> 8));
  for (int i = 0; i < 2; ++i) {  // sub-directories at 8: this directory itself
    append(exif, std::string("\x69\x87\x04\0\x01\0\0\0\x08\0\0\0", 12));
  }
  append(exif, std::string("\x08\0\0\0", 4));  // and so is the next one
  return with_segment(one_of(".jpg", rng), 0xE1, exif);
}

Bytes random_behind_magic(const Bytes& magic, CounterRng& rng) {
  Bytes bytes = magic;
  for (int64_t i = rng.below(5000); i > 0; --i) bytes.push_back(uint8_t(rng.next()));
  return bytes;
}

Bytes no_picture(CounterRng& rng) {
  static const std::string kBeginnings[] = {
      "Just a text.\n", "GIF89a", "BM", "RIFF\x20\0\0\0WEBPVP8 ", "%PDF-1.4\n", "<html>", "PK\3\4"};
  Bytes bytes;
  append(bytes, kBeginnings[rng.below(std::size(kBeginnings))]);
  return random_behind_magic(bytes, rng);
}

// A progressive grey JPEG of up to 883 scans that each say "nothing new" in a few bytes.
Bytes jpeg_of_many_scans(int width, int height, int scans) {
  const auto high = [](int value) { return uint8_t(value >> 8); };
  const int blocks = (width + 7) / 8 * ((height + 7) / 8);
  Bytes out = {0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0};
  append(out, Bytes(64, 1));
  append(out, Bytes{0xFF, 0xC2, 0, 11, 8, high(height), uint8_t(height), high(width)});
  append(out, Bytes{uint8_t(width), 1, 1, 0x11, 0});
  // Two tables of one code, the bit 0: a difference of zero, and "16,384 blocks end here", whose 14
  // further bits are zero too.
  for (const auto& [table, symbol] : {std::pair<uint8_t, uint8_t>{0x00, 0x00}, {0x10, 0xE0}}) {
    append(out, Bytes{0xFF, 0xC4, 0, 20, table, 1});
    append(out, Bytes(15));
    out.push_back(symbol);
  }
  append(out, Bytes{0xFF, 0xDA, 0, 8, 1, 1, 0x00, 0, 0, 0});
  append(out, Bytes(size_t(blocks + 7) / 8));
  const int runs = (blocks + 16383) / 16384;
  for (int i = 0; i < scans - 1; ++i) {  // every coefficient, bit by bit from the 14th
    const auto coefficient = uint8_t(1 + i / 14 % 63), bit = uint8_t(13 - i % 14);
    const auto bits = uint8_t(bit == 13 ? bit : (bit + 1) << 4 | bit);
    append(out, Bytes{0xFF, 0xDA, 0, 8, 1, 1, 0x00, coefficient, coefficient, bits});
    append(out, Bytes(size_t(15 * runs + 7) / 8));
  }
  append(out, Bytes{0xFF, 0xD9});
  return out;
}

// --- the table
// -------------------------------------------------------------------------------------

struct Kind {
  const char* name;
  const char* ending;
  int share;  // of 1,000
  bool may_decode;
  std::function<Bytes(CounterRng&)> make;
};

const std::vector<Kind>& kinds() {
  static const Bytes jpeg_magic = {0xFF, 0xD8, 0xFF};
  static const std::vector<Kind> table = {
      {"cut", ".jpg", 133, false, [](auto& rng) { return cut(".jpg", rng); }},
      {"cut", ".png", 80, false, [](auto& rng) { return cut(".png", rng); }},
      {"flip", ".jpg", 90, true, [](auto& rng) { return flipped(".jpg", rng, false); }},
      {"flip", ".png", 60, true, [](auto& rng) { return flipped(".png", rng, false); }},
      {"header_flip", ".jpg", 90, true, [](auto& rng) { return flipped(".jpg", rng, true); }},
      {"header_flip", ".png", 60, true, [](auto& rng) { return flipped(".png", rng, true); }},
      {"claim", ".jpg", 60, false, jpeg_claim},
      {"claim", ".png", 60, false, png_claim},
      {"odd_header", ".png", 40, true, png_odd_header},
      {"interlace_lie", ".png", 30, true, png_interlace_lie},
      {"length", ".jpg", 60, true, wrong_jpeg_length},
      {"length", ".png", 30, false, wrong_png_length},
      {"checksum", ".png", 30, false, wrong_png_checksum},
      {"pixel_bomb", ".png", 2, true, png_pixel_bomb},
      {"largest", ".png", 2, true, png_largest},
      {"text_bomb", ".png", 2, true, png_text_bomb},
      {"no_palette", ".png", 15, false, png_without_palette},
      {"few_rows", ".png", 15, false, png_short_of_rows},
      {"no_pixels", ".png", 10, false, png_without_pixels},
      {"scan_bomb", ".jpg", 2, false, [](auto&) { return jpeg_of_many_scans(4000, 4000, 883); }},
      {"many_scans", ".jpg", 2, true, [](auto&) { return jpeg_of_many_scans(1000, 1000, 150); }},
      {"coefficients",
       ".jpg",
       2,
       false,
       // Claims what its bytes allow, and would take two bytes for each pixel.
       [](auto&) { return jpeg_of_many_scans(9990, 9990, 12); }},
      {"unknown_kind", ".jpg", 30, false, unknown_kind_of_jpeg},
      {"twelve_bits", ".jpg", 15, false, twelve_bits},
      {"missing_table", ".jpg", 20, false, missing_table},
      {"exif", ".jpg", 20, true, circling_exif},
      {"random", ".jpg", 15, false, [](auto& rng) { return random_behind_magic(jpeg_magic, rng); }},
      {"random",
       ".png",
       10,
       false,
       [](auto& rng) { return random_behind_magic(kPngSignature, rng); }},
      {"no_picture", ".jpg", 10, false, no_picture},
      {"empty", ".png", 5, false, [](auto&) { return Bytes{}; }},
  };
  return table;
}

}  // namespace

std::vector<BadPicture> make_bad_pictures(int64_t count) {
  std::vector<BadPicture> pictures;
  int64_t total = 0, seen = 0;
  for (const Kind& kind : kinds()) total += kind.share;
  for (const Kind& kind : kinds()) {
    const int64_t first = count * seen / total;
    seen += kind.share;
    for (int64_t i = first; i < count * seen / total; ++i) {
      CounterRng rng(5, util::RandomStream::kTest, 0, i);
      const std::string name = std::string(kind.name) + "_" + std::to_string(i) + kind.ending;
      pictures.push_back({name, kind.make(rng), kind.may_decode});
    }
  }
  return pictures;
}

std::vector<std::string> make_special_files(const fs::path& folder) {
  if (::mkfifo((folder / "pipe.jpg").c_str(), 0600) != 0) throw std::runtime_error("no pipe");
  fs::create_directory(folder / "folder.jpg");
  fs::create_symlink("/dev/zero", folder / "device.png");
  fs::create_symlink("loop.jpg", folder / "loop.jpg");
  fs::create_symlink("missing.jpg", folder / "nowhere.jpg");
  fs::create_symlink("/etc/passwd", folder / "outside.png");
  fs::create_directory_symlink("..", folder / "circle.jpg");
  std::ofstream(folder / "sparse.jpg").flush();
  fs::resize_file(folder / "sparse.jpg", uintmax_t{1} << 40);
  return {"pipe.jpg",
          "device.png",
          "loop.jpg",
          "nowhere.jpg",
          "outside.png",
          "circle.jpg",
          "sparse.jpg"};
}

}  // namespace dtrain::testing
