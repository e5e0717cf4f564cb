// Lines of text in pictures, with FreeType and a font of the system.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "render/png.h"

namespace dtrain::render {

// Draws in DejaVu Sans, or another font that stands where Linux distributions put theirs. Without
// any, available() is false and nothing is drawn: a picture without its text is better than none.
class TextWriter {
 public:
  explicit TextWriter(int64_t pixels);  // height of the letters with their ascenders
  ~TextWriter();

  bool available() const;
  // Draws UTF-8 text in `level` (0 black, 255 white), its line's top left corner at (left, top) and
  // cut off at `right`. What lies outside of the image is left out.
  void draw(Image& image,
            const std::string& text,
            int64_t left,
            int64_t top,
            int64_t right,
            uint8_t level) const;
  int64_t line_height() const;
  int64_t ascent() const;  // of the base line below the line's top
  int64_t width(const std::string& text) const;

 private:
  struct Face;
  std::unique_ptr<Face> face_;
};

}  // namespace dtrain::render
