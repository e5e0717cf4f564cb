// Tables of numbers that grow by a row at a time.
#include "render/csv_writer.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

#include "util/check.h"
#include "util/csv.h"
#include "util/text.h"

namespace dtrain::render {
namespace {

namespace fs = std::filesystem;

struct CellText {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(double value) const { return util::number_text(value); }
};

std::string row_line(const std::vector<CsvCell>& cells) {
  std::vector<std::string> texts;
  for (const CsvCell& cell : cells) texts.push_back(std::visit(CellText(), cell));
  return util::csv_row(texts);
}

double number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return is_number ? value : std::numeric_limits<double>::quiet_NaN();
}

// The part of the file that is whole records; without a sound header nothing.
std::string sound_content(const fs::path& path, const std::vector<std::string>& columns) {
  std::error_code error;
  if (!fs::exists(path, error)) return "";
  const std::string content = util::read_file(path);
  const std::string header = util::csv_row(columns);
  if (content.size() < header.size() && header.compare(0, content.size(), content) == 0) return "";
  std::string_view rest = content;
  std::vector<std::string> cells;
  if (!util::take_csv_row(rest, cells) || cells != columns) {
    throw config_error(
        path.string(),
        "its columns differ from those of this run (" + header.substr(0, header.size() - 1) + ")",
        "move the file away, or use the settings it was written with");
  }
  while (util::take_csv_row(rest, cells)) {
  }
  return content.substr(0, content.size() - rest.size());
}

util::OutputFile open_file(const fs::path& path, const std::vector<std::string>& columns) {
  const std::string content = sound_content(path, columns);
  util::OutputFile file(path, util::OutputFile::Mode::kAppend);
  if (file.size() != static_cast<int64_t>(content.size())) {
    file.truncate(static_cast<int64_t>(content.size()));
  }
  if (content.empty()) file.write(util::csv_row(columns));
  return file;
}

}  // namespace

CsvWriter::CsvWriter(fs::path path, std::vector<std::string> columns)
    : path_(std::move(path)), columns_(std::move(columns)), file_(open_file(path_, columns_)) {}

void CsvWriter::truncate_after(const std::string& column, int64_t value) {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  check(found != columns_.end(), "the column to truncate by exists");
  const auto index = static_cast<size_t>(found - columns_.begin());
  const std::string content = util::read_file(path_);
  std::string_view rest = content;
  std::vector<std::string> cells;
  util::take_csv_row(rest, cells);
  std::string kept(content, 0, content.size() - rest.size());
  for (std::string_view row = rest; util::take_csv_row(rest, cells); row = rest) {
    const bool is_later =
        index < cells.size() && number_of(cells[index]) > static_cast<double>(value);
    if (!is_later) kept += row.substr(0, row.size() - rest.size());
  }
  if (kept.size() == content.size()) return;
  util::write_file_atomic(path_, kept);
  file_ = util::OutputFile(path_, util::OutputFile::Mode::kAppend);
}

void CsvWriter::row(const std::vector<CsvCell>& cells) {
  check(cells.size() == columns_.size(), "a row has a cell for each column");
  file_.write(row_line(cells));
}

std::string csv_text(const std::vector<std::string>& columns,
                     const std::vector<std::vector<CsvCell>>& rows) {
  std::string text = util::csv_row(columns);
  for (const std::vector<CsvCell>& row : rows) {
    check(row.size() == columns.size(), "a row has a cell for each column");
    text += row_line(row);
  }
  return text;
}

bool CsvTable::has(const std::string& column) const {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

std::vector<double> CsvTable::numbers(const std::string& column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  if (found == columns.end()) return {};
  std::vector<double> values;
  for (const auto& row : rows) {
    values.push_back(number_of(row[static_cast<size_t>(found - columns.begin())]));
  }
  return values;
}

CsvTable read_csv(const fs::path& path) {
  const std::string content = util::read_file(path);
  std::string_view rest = content;
  CsvTable table;
  if (!util::take_csv_row(rest, table.columns)) return {};
  std::vector<std::string> cells;
  while (util::take_csv_row(rest, cells)) {
    if (cells.size() != table.columns.size()) {
      throw io_error(path.string() + ", row " + std::to_string(table.rows.size() + 1),
                     "has " + std::to_string(cells.size()) + " cells, the header " +
                         std::to_string(table.columns.size()),
                     "repair or remove the row");
    }
    table.rows.push_back(cells);
  }
  return table;
}

}  // namespace dtrain::render
