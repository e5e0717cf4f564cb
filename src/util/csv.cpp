#include "util/csv.h"

#include "util/text.h"

namespace dtrain::util {

std::string csv_quoted(std::string_view cell) {
  if (cell.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(cell);
  std::string out = "\"";
  for (const char letter : cell) {
    if (letter == '"') out += '"';
    out += letter;
  }
  return out + '"';
}

std::string csv_row(const std::vector<std::string>& cells) {
  return joined(cells, ",", [](const std::string& cell) { return csv_quoted(cell); }) + "\n";
}

bool take_csv_row(std::string_view& rest, std::vector<std::string>& cells) {
  cells.assign(1, "");
  bool in_quotes = false;
  for (size_t i = 0; i < rest.size(); ++i) {
    const char letter = rest[i];
    if (in_quotes && letter == '"' && i + 1 < rest.size() && rest[i + 1] == '"') {
      cells.back() += '"';
      ++i;
    } else if (letter == '"') {
      in_quotes = !in_quotes;
    } else if (!in_quotes && letter == ',') {
      cells.emplace_back();
    } else if (!in_quotes && letter == '\n') {
      // One that stood within quotes is the cell's own.
      if (i > 0 && rest[i - 1] == '\r') cells.back().pop_back();
      rest.remove_prefix(i + 1);
      return true;
    } else {
      cells.back() += letter;
    }
  }
  return false;
}

}  // namespace dtrain::util
