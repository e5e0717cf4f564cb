// Aligned text for people.
#include "render/table.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "util/text.h"
#include "util/utf8.h"

namespace dtrain::render {
namespace {

using Cells = std::vector<std::string>;

// Letters on the screen: code points, which is right for all but combining and double-width
// characters.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

bool is_number(std::string text) {
  if (!text.empty() && (text.back() == '%' || text.back() == 's')) text.pop_back();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Cells lines_of(const std::string& cell) {
  Cells lines(1);
  for (char letter : cell) {
    if (letter == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += letter;
    }
  }
  for (std::string& line : lines) line = util::printable(line);
  return lines;
}

struct Layout {
  std::vector<size_t> widths;
  std::vector<bool> right;
};

// The characters around the cells.
struct Frame {
  std::string left, middle, right;          // of a row
  std::string line;                         // of a rule
  std::string top[3], inner[3], bottom[3];  // left, middle and right of a rule
};

Frame frame_of(TableStyle style) {
  if (style == TableStyle::kBox) {
    return {"│ ", " │ ", " │", "─", {"┌─", "─┬─", "─┐"}, {"├─", "─┼─", "─┤"}, {"└─", "─┴─", "─┘"}};
  }
  return {"| ", " | ", " |", "-", {"+-", "-+-", "-+"}, {"+-", "-+-", "-+"}, {"+-", "-+-", "-+"}};
}

std::string line_of(const Cells& cells,
                    const std::string& left,
                    const std::string& middle,
                    const std::string& right) {
  std::string line = left + util::joined(cells, middle) + right;
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string rule_line(const Layout& layout, const Frame& frame, const std::string (&ends)[3]) {
  Cells cells;
  for (size_t width : layout.widths) {
    std::string line;
    for (size_t i = 0; i < width; ++i) line += frame.line;
    cells.push_back(line);
  }
  return line_of(cells, ends[0], ends[1], ends[2]);
}

// A row of cells with several lines becomes several lines of the table.
std::string row_lines(const Cells& cells,
                      const Layout& layout,
                      const std::string& left,
                      const std::string& middle,
                      const std::string& right) {
  std::vector<Cells> parts;
  size_t height = 1;
  for (size_t i = 0; i < layout.widths.size(); ++i) {
    parts.push_back(lines_of(i < cells.size() ? cells[i] : ""));
    height = std::max(height, parts.back().size());
  }
  std::string text;
  for (size_t line = 0; line < height; ++line) {
    Cells padded;
    for (size_t i = 0; i < parts.size(); ++i) {
      const std::string cell = line < parts[i].size() ? parts[i][line] : "";
      const std::string space(layout.widths[i] - width_of(cell), ' ');
      padded.push_back(layout.right[i] ? space + cell : cell + space);
    }
    text += line_of(padded, left, middle, right);
  }
  return text;
}

}  // namespace

Table& Table::row(Cells cells) {
  rows_.push_back({std::move(cells), false});
  return *this;
}

Table& Table::rule() {
  rows_.push_back({{}, true});
  return *this;
}

std::string Table::text(TableStyle style) const {
  Layout layout;
  auto fit = [&](const Cells& cells) {
    if (layout.widths.size() < cells.size()) layout.widths.resize(cells.size(), 0);
    for (size_t i = 0; i < cells.size(); ++i) {
      for (const std::string& line : lines_of(cells[i])) {
        layout.widths[i] = std::max(layout.widths[i], width_of(line));
      }
    }
  };
  fit(header_);
  for (const Row& row : rows_) fit(row.cells);
  if (layout.widths.empty()) return "";

  std::vector<int> numbers(layout.widths.size(), 0), texts = numbers;
  for (const Row& row : rows_) {
    for (size_t i = 0; i < row.cells.size(); ++i) {
      if (!row.cells[i].empty()) ++(is_number(row.cells[i]) ? numbers : texts)[i];
    }
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    layout.right.push_back(numbers[i] > 0 && texts[i] == 0);
  }

  const bool plain = style == TableStyle::kPlain;
  const Frame frame = plain ? Frame{"", "  ", "", "", {}, {}, {}} : frame_of(style);
  std::string out = plain ? "" : rule_line(layout, frame, frame.top);
  if (!header_.empty()) {
    out += row_lines(header_, layout, frame.left, frame.middle, frame.right);
    if (!plain) out += rule_line(layout, frame, frame.inner);
  }
  for (const Row& row : rows_) {
    if (row.is_rule) {
      out += plain ? "\n" : rule_line(layout, frame, frame.inner);
    } else {
      out += row_lines(row.cells, layout, frame.left, frame.middle, frame.right);
    }
  }
  return plain ? out : out + rule_line(layout, frame, frame.bottom);
}

}  // namespace dtrain::render
