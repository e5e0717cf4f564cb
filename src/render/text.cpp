#include "render/text.h"

#include <ft2build.h>
#include FT_FREETYPE_H

#include <filesystem>

namespace dtrain::render {
namespace {

constexpr const char* kFonts[] = {
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",    // Debian, Ubuntu
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",  // Fedora
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",             // RHEL
    "/usr/share/fonts/TTF/DejaVuSans.ttf",                // Arch
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
};

// The next character of UTF-8 text; what is none counts as one '?' a byte.
uint32_t next_character(const std::string& text, size_t& at) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const uint8_t first = byte(at++);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  uint32_t character = first & (0x3FU >> more);
  for (int i = 0; i < more; ++i) {
    if ((byte(at) & 0xC0U) != 0x80) return '?';
    character = character << 6 | (byte(at++) & 0x3FU);
  }
  return first < 0xC0 ? '?' : character;
}

}  // namespace

struct TextWriter::Face {
  FT_Library library = nullptr;
  FT_Face face = nullptr;

  ~Face() {
    if (face != nullptr) FT_Done_Face(face);
    if (library != nullptr) FT_Done_FreeType(library);
  }
};

TextWriter::TextWriter(int64_t pixels) : face_(std::make_unique<Face>()) {
  if (FT_Init_FreeType(&face_->library) != 0) return;
  for (const char* path : kFonts) {
    if (FT_New_Face(face_->library, path, 0, &face_->face) == 0) break;
    face_->face = nullptr;
  }
  if (available()) FT_Set_Pixel_Sizes(face_->face, 0, static_cast<FT_UInt>(pixels));
}

TextWriter::~TextWriter() = default;

bool TextWriter::available() const { return face_->face != nullptr; }

int64_t TextWriter::line_height() const {
  return available() ? face_->face->size->metrics.height / 64 : 0;
}

int64_t TextWriter::ascent() const {
  return available() ? face_->face->size->metrics.ascender / 64 : 0;
}

int64_t TextWriter::width(const std::string& text) const {
  if (!available()) return 0;
  int64_t width = 0;
  for (size_t at = 0; at < text.size();) {
    if (FT_Load_Char(face_->face, next_character(text, at), FT_LOAD_DEFAULT) != 0) continue;
    width += face_->face->glyph->advance.x / 64;
  }
  return width;
}

void TextWriter::draw(Image& image,
                      const std::string& text,
                      int64_t left,
                      int64_t top,
                      int64_t right,
                      uint8_t level) const {
  if (!available()) return;
  const FT_GlyphSlot glyph = face_->face->glyph;
  const int64_t baseline = top + face_->face->size->metrics.ascender / 64;
  for (size_t at = 0; at < text.size();) {
    if (FT_Load_Char(face_->face, next_character(text, at), FT_LOAD_RENDER) != 0) continue;
    if (left + glyph->advance.x / 64 > right) return;
    for (int64_t row = 0; row < glyph->bitmap.rows; ++row) {
      const int64_t y = baseline - glyph->bitmap_top + row;
      if (y < 0 || y >= image.height) continue;
      for (int64_t column = 0; column < glyph->bitmap.width; ++column) {
        const int64_t x = left + glyph->bitmap_left + column;
        if (x < 0 || x >= image.width) continue;
        const int cover = glyph->bitmap.buffer[row * glyph->bitmap.pitch + column];
        uint8_t* pixel = &image.pixels[size_t((y * image.width + x) * image.channels)];
        for (int64_t c = 0; c < image.channels; ++c) {
          pixel[c] = static_cast<uint8_t>((pixel[c] * (255 - cover) + level * cover) / 255);
        }
      }
    }
    left += glyph->advance.x / 64;
  }
}

}  // namespace dtrain::render
