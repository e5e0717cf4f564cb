#include "report/cells.h"

#include "render/table.h"

namespace dtrain::report {

std::string text_of(const Cells& cells) {
  render::Table table(cells.header);
  for (size_t r = 0; r < cells.rows.size(); ++r) {
    if (r == cells.body) table.rule();
    table.row(cells.rows[r]);
  }
  return table.text();
}

render::HtmlTable html_of(const Cells& cells) {
  render::HtmlTable table{.header = cells.header, .rows = cells.rows};
  for (size_t r = cells.body; r < cells.rows.size(); ++r) table.emphasised.push_back(r);
  return table;
}

}  // namespace dtrain::report
