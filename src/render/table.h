// Aligned text for people: settings, results.
//
//   Table table({"epoch", "loss", "top1"});
//   table.row({"0", "0.512", "81.30"});
//   log_info(table.text(TableStyle::kPlain));
//
//     epoch  loss   top1
//         0  0.512  81.30
//
// A column whose cells are all numbers is aligned to the right, the others to the left. Cells are
// UTF-8; a letter counts as one column. A cell may hold several lines.
#pragma once

#include <string>
#include <vector>

namespace dtrain::render {

enum class TableStyle {
  kPlain,  // columns two spaces apart
  kBox,    // lines of box-drawing characters around the cells
  kAscii,  // the same of + - |
};

class Table {
 public:
  // Without header there is no header row; the number of columns is that of the longest row.
  explicit Table(std::vector<std::string> header = {}) : header_(std::move(header)) {}

  Table& row(std::vector<std::string> cells);
  // A line between the rows before and after; in kPlain an empty line.
  Table& rule();

  // Ends with a line end unless the table is empty. No line has spaces at its end.
  std::string text(TableStyle style = TableStyle::kPlain) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    bool is_rule = false;
  };
  std::vector<std::string> header_;
  std::vector<Row> rows_;
};

}  // namespace dtrain::render
