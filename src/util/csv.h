// Comma-separated values after RFC 4180: how dtrain writes them, and reads its own back.
//
//   text += csv_row({"Id", "Category"});
//   for (std::string_view rest = text; take_csv_row(rest, cells);) ...
//
// Tables of others, which may hold anything, are read by data/datasets/csv_table.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dtrain::util {

// As a cell of a row: in quotes where it holds a comma, a quote or a line end.
std::string csv_quoted(std::string_view cell);

// The cells, quoted where they must be, as a row with its line end.
std::string csv_row(const std::vector<std::string>& cells);

// Splits one row off the front of `rest`; false, and `rest` as it was, if it has no line end. Line
// ends within quotes belong to the cell; "\r\n" counts as a line end, since spreadsheets write it.
bool take_csv_row(std::string_view& rest, std::vector<std::string>& cells);

}  // namespace dtrain::util
