#include "review/cells.h"

#include "report/table.h"

namespace dtrain::review {

std::string text_of(const Cells& cells) {
  report::Table table(cells.header);
  for (size_t r = 0; r < cells.rows.size(); ++r) {
    if (r == cells.body) table.rule();
    table.row(cells.rows[r]);
  }
  return table.text();
}

report::HtmlTable html_of(const Cells& cells) {
  report::HtmlTable table{.header = cells.header, .rows = cells.rows};
  for (size_t r = cells.body; r < cells.rows.size(); ++r) table.emphasised.push_back(r);
  return table;
}

}  // namespace dtrain::review
