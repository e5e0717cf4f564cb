#include "render/contact_sheet.h"

#include <algorithm>
#include <utility>

#include "render/text.h"

namespace dtrain::render {
namespace {

constexpr int64_t kGap = 8, kSheetTextPixels = 13, kSmallest = 96;
constexpr int64_t kNarrowest = 150;  // column of a gallery, for the text below the image
constexpr uint8_t kInk = 30, kFaint = 110;

int64_t enlargement(const Image& image) {
  const int64_t side = std::max<int64_t>({image.width, image.height, 1});
  return std::max<int64_t>(1, (kSmallest + side - 1) / side);
}

void paste(Image& sheet, const Image& image, int64_t left, int64_t top) {
  const int64_t scale = enlargement(image);
  for (int64_t y = 0; y < image.height * scale; ++y) {
    for (int64_t x = 0; x < image.width * scale; ++x) {
      const int64_t from = ((y / scale) * image.width + x / scale) * image.channels;
      const int64_t to = ((top + y) * sheet.width + left + x) * 3;
      for (int64_t c = 0; c < 3; ++c) {
        sheet.pixels[size_t(to + c)] = image.pixels[size_t(from + (image.channels == 3 ? c : 0))];
      }
    }
  }
}

// "top left, flipped" -> "top left", "flipped".
std::pair<std::string, std::string> two_lines(const std::string& name) {
  const size_t comma = name.find(", ");
  if (comma == std::string::npos) return {name, ""};
  return {name.substr(0, comma), name.substr(comma + 2)};
}

}  // namespace

Image render(const ContactSheet& sheet) {
  int64_t cell_width = kSmallest, cell_height = 0;
  size_t columns = sheet.columns.size();
  for (const SheetRow& row : sheet.rows) {
    columns = std::max(columns, row.images.size());
    for (const Image& image : row.images) {
      cell_width = std::max(cell_width, image.width * enlargement(image));
      cell_height = std::max(cell_height, image.height * enlargement(image));
    }
  }
  const TextWriter text(kSheetTextPixels);
  const int64_t line = text.line_height() + 2;
  const int64_t header = kGap + line + (sheet.columns.empty() ? 0 : 2 * line);
  const int64_t row_height = line + cell_height + kGap;
  Image out;
  out.width = kGap + static_cast<int64_t>(columns) * (cell_width + kGap);
  out.height = header + static_cast<int64_t>(sheet.rows.size()) * row_height + kGap;
  out.pixels.assign(size_t(out.width * out.height * 3), 255);

  const auto left_of = [&](size_t column) {
    return kGap + static_cast<int64_t>(column) * (cell_width + kGap);
  };
  text.draw(out, sheet.title, kGap, kGap / 2, out.width, kInk);
  for (size_t column = 0; column < sheet.columns.size(); ++column) {
    const auto [first, second] = two_lines(sheet.columns[column]);
    const int64_t left = left_of(column), top = kGap / 2 + line;
    text.draw(out, first, left, top, left + cell_width, kFaint);
    text.draw(out, second, left, top + line, left + cell_width, kFaint);
  }
  for (size_t i = 0; i < sheet.rows.size(); ++i) {
    const int64_t top = header + static_cast<int64_t>(i) * row_height;
    text.draw(out, sheet.rows[i].label, kGap, top, out.width, kInk);
    for (size_t column = 0; column < sheet.rows[i].images.size(); ++column) {
      paste(out, sheet.rows[i].images[column], left_of(column), top + line);
    }
  }
  return out;
}

Image render(const Gallery& gallery) {
  int64_t width = kNarrowest, height = 0, lines = 0;
  for (const Gallery::Item& item : gallery.items) {
    const int64_t scale = enlargement(item.image);
    width = std::max(width, item.image.width * scale);
    height = std::max(height, item.image.height * scale);
    lines = std::max(lines, int64_t(item.lines.size()));
  }
  const TextWriter text(kSheetTextPixels);
  const int64_t line = text.line_height() + 2;
  const int64_t columns = std::max<int64_t>(1, gallery.columns);
  const int64_t rows = (int64_t(gallery.items.size()) + columns - 1) / columns;
  const int64_t header = kGap + line, cell = height + lines * line + kGap;
  Image out;
  out.width = kGap + columns * (width + kGap);
  out.height = header + rows * cell + kGap;
  out.pixels.assign(size_t(out.width * out.height * 3), 255);
  text.draw(out, gallery.title, kGap, kGap / 2, out.width, kInk);
  for (size_t i = 0; i < gallery.items.size(); ++i) {
    const Gallery::Item& item = gallery.items[i];
    const int64_t left = kGap + int64_t(i) % columns * (width + kGap);
    const int64_t top = header + int64_t(i) / columns * cell;
    paste(out, item.image, left, top);
    for (size_t l = 0; l < item.lines.size(); ++l) {
      const int64_t below = top + height + int64_t(l) * line;
      text.draw(out, item.lines[l], left, below, left + width, l == 0 ? kInk : kFaint);
    }
  }
  return out;
}

}  // namespace dtrain::render
