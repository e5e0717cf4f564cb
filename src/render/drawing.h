// A picture of rectangles, lines and text that can be had as SVG and as pixels.
//
//   Drawing drawing(200, 100, "title for those who cannot see it");
//   drawing.rect({10, 10, 50, 20}, Ink::kFirst);
//   drawing.text({35, 24}, "42", {.align = Align::kMiddle});
//   drawing.svg(); drawing.image();
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "render/png.h"

namespace dtrain::render {

enum class Ink { kText, kFaint, kGrid, kAxis, kFirst, kSecond, kHeat, kOnHeat };
enum class Align { kStart, kMiddle, kEnd };

struct Spot {
  double x = 0, y = 0;
};
struct Box {
  double left = 0, top = 0, width = 0, height = 0;
};

struct TextStyle {
  Align align = Align::kStart;
  Ink ink = Ink::kText;  // kText, kFaint or kOnHeat
  bool is_title = false;
  bool is_vertical = false;  // reads upwards; `align` along that direction
};

class Drawing {
 public:
  // In pixels.
  Drawing(double width, double height, std::string title);

  // `opacity` 0 to 1: how much of the ground it covers.
  void rect(const Box& box, Ink ink, double opacity = 1);
  void line(const Spot& from, const Spot& to, Ink ink);
  // At the left, middle or right end of its base line. 12 pixels high, titles 16.
  void text(const Spot& at, const std::string& text, const TextStyle& style = {});

  // For light and dark ground (svg_style.h).
  std::string svg() const;
  // On white. Without a font of the system there is no text.
  Image image() const;

 private:
  enum class Kind { kRect, kLine, kText };
  struct Element {
    Kind kind = Kind::kRect;
    Box box;  // of a line: from the corner to the opposite one; of a text: its spot
    Ink ink = Ink::kText;
    double opacity = 1;
    std::string text;
    TextStyle style;
  };
  static std::string markup_of(const Element& element);

  double width_, height_;
  std::string title_;
  std::vector<Element> elements_;
};

}  // namespace dtrain::render
