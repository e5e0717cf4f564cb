#include "render/drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "render/markup.h"
#include "render/svg_style.h"
#include "render/text.h"

namespace dtrain::render {
namespace {

constexpr int64_t kDrawnTextPixels = 12, kTitlePixels = 16;

struct Colour {
  std::array<uint8_t, 3> rgb;
  const char* style;  // the class in svg_style.h
};

Colour colour_of(Ink ink) {
  switch (ink) {
    case Ink::kFaint:
      return {{0x57, 0x60, 0x6A}, "faint"};
    case Ink::kGrid:
      return {{0xD8, 0xDE, 0xE4}, "grid"};
    case Ink::kAxis:
      return {{0x57, 0x60, 0x6A}, "axis"};
    case Ink::kFirst:
      return {{0x00, 0x72, 0xB2}, "c0"};
    case Ink::kSecond:
      return {{0xD5, 0x5E, 0x00}, "c1"};
    case Ink::kHeat:
      return {{0x00, 0x72, 0xB2}, "heat"};
    case Ink::kOnHeat:
      return {{0xFF, 0xFF, 0xFF}, "on"};
    case Ink::kText:
      break;
  }
  return {{0x24, 0x29, 0x2F}, "text"};
}

std::string attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + svg_number(value) + "\"";
}

void blend(Image& image, int64_t x, int64_t y, const Colour& colour, double opacity) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  uint8_t* pixel = &image.pixels[size_t((y * image.width + x) * 3)];
  for (size_t c = 0; c < 3; ++c) {
    pixel[c] = uint8_t(std::lround(pixel[c] + (colour.rgb[c] - pixel[c]) * opacity));
  }
}

void paint_rect(Image& image, const Box& box, const Colour& colour, double opacity) {
  const int64_t right = std::lround(box.left + box.width);
  const int64_t bottom = std::lround(box.top + box.height);
  for (int64_t y = std::lround(box.top); y < bottom; ++y) {
    for (int64_t x = std::lround(box.left); x < right; ++x) blend(image, x, y, colour, opacity);
  }
}

void paint_line(Image& image, const Box& line, const Colour& colour) {
  const double steps = std::ceil(std::max({std::abs(line.width), std::abs(line.height), 1.0}));
  for (double i = 0; i <= steps; ++i) {
    blend(image,
          std::lround(line.left + line.width * i / steps),
          std::lround(line.top + line.height * i / steps),
          colour,
          1);
  }
}

// Letters are drawn on a strip of their own, as a mask, that is laid on the image, turned or not.
void paint_text(Image& image,
                const Spot& at,
                const std::string& text,
                const TextStyle& style,
                const TextWriter& writer) {
  const int64_t width = writer.width(text), height = writer.line_height();
  if (width == 0) return;
  Image mask{width, height, 1, {}};
  mask.pixels.assign(size_t(width * height), 0);
  writer.draw(mask, text, 0, 0, width + 1, 255);
  const double shift = style.align == Align::kStart    ? 0
                       : style.align == Align::kMiddle ? double(width) / 2
                                                       : double(width);
  const int64_t ascent = writer.ascent();
  const Colour colour = colour_of(style.ink);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double cover = mask.pixels[size_t(y * width + x)] / 255.0;
      if (cover == 0) continue;
      const int64_t along = std::lround(double(x) - shift), across = y - ascent;
      if (style.is_vertical) {
        blend(image, std::lround(at.x) + across, std::lround(at.y) - along, colour, cover);
      } else {
        blend(image, std::lround(at.x) + along, std::lround(at.y) + across, colour, cover);
      }
    }
  }
}

}  // namespace

Drawing::Drawing(double width, double height, std::string title)
    : width_(width), height_(height), title_(std::move(title)) {}

void Drawing::rect(const Box& box, Ink ink, double opacity) {
  elements_.push_back({Kind::kRect, box, ink, opacity, "", {}});
}

void Drawing::line(const Spot& from, const Spot& to, Ink ink) {
  elements_.push_back(
      {Kind::kLine, {from.x, from.y, to.x - from.x, to.y - from.y}, ink, 1, "", {}});
}

void Drawing::text(const Spot& at, const std::string& text, const TextStyle& style) {
  elements_.push_back({Kind::kText, {at.x, at.y, 0, 0}, style.ink, 1, text, style});
}

std::string Drawing::markup_of(const Element& element) {
  const Box& box = element.box;
  const std::string style = colour_of(element.ink).style;
  if (element.kind == Kind::kRect) {
    return "<rect class=\"" + style + "\"" + attribute("x", box.left) + attribute("y", box.top) +
           attribute("width", box.width) + attribute("height", box.height) +
           (element.opacity < 1 ? attribute("fill-opacity", element.opacity) : "") + "/>\n";
  }
  if (element.kind == Kind::kLine) {
    return "<line class=\"" + style + "\"" + attribute("x1", box.left) + attribute("y1", box.top) +
           attribute("x2", box.left + box.width) + attribute("y2", box.top + box.height) + "/>\n";
  }
  const Align align = element.style.align;
  const std::string at = svg_number(box.left) + " " + svg_number(box.top);
  return "<text class=\"" + style + (element.style.is_title ? " title" : "") + "\"" +
         attribute("x", box.left) + attribute("y", box.top) +
         (align == Align::kStart    ? ""
          : align == Align::kMiddle ? " text-anchor=\"middle\""
                                    : " text-anchor=\"end\"") +
         (element.style.is_vertical ? " transform=\"rotate(-90 " + at + ")\"" : "") + ">" +
         escaped(element.text) + "</text>\n";
}

std::string Drawing::svg() const {
  const std::string width = svg_number(width_), height = svg_number(height_);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + width +
                    "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " " + height +
                    "\">\n<title>" + escaped(title_) + "</title>\n" + kSvgStyle +
                    "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n";
  for (const Element& element : elements_) out += markup_of(element);
  return out + "</svg>\n";
}

Image Drawing::image() const {
  Image image{int64_t(std::ceil(width_)), int64_t(std::ceil(height_)), 3, {}};
  image.pixels.assign(size_t(image.width * image.height * 3), 255);
  const TextWriter body(kDrawnTextPixels), title(kTitlePixels);
  for (const Element& element : elements_) {
    const Box& box = element.box;
    if (element.kind == Kind::kRect) {
      paint_rect(image, box, colour_of(element.ink), element.opacity);
    } else if (element.kind == Kind::kLine) {
      paint_line(image, box, colour_of(element.ink));
    } else {
      paint_text(image,
                 {box.left, box.top},
                 element.text,
                 element.style,
                 element.style.is_title ? title : body);
    }
  }
  return image;
}

}  // namespace dtrain::render
