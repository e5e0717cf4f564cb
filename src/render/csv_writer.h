// Tables of numbers that grow by a row at a time: `summary.csv` and the like.
//
//   CsvWriter summary(run / "summary.csv", {"epoch", "train_loss", "lr"});
//   if (resumed) summary.truncate_after("epoch", 4);      // the run goes on with epoch 5
//   summary.row({epoch, loss, CsvCell()});                // CsvCell(): not known, an empty cell
//
// Values with commas, quotes or line ends are quoted as in RFC 4180; numbers have as many digits as
// it takes to read the same value back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "util/atomic_file.h"

namespace dtrain::render {

using CsvCell = std::variant<std::monostate, int64_t, double, std::string>;

class CsvWriter {
 public:
  // Makes the file with its header, or opens it to append. Half a row that a killed process left at
  // the end is removed. Error(kConfig) if the header is another one, Error(kIo) if it cannot be
  // written.
  CsvWriter(std::filesystem::path path, std::vector<std::string> columns);

  // Removes the rows in which the integer of this column is greater than `value`; atomically.
  void truncate_after(const std::string& column, int64_t value);

  // One row, a cell for each column; in the file when this returns. A row that does not fit on the
  // disk is Error(kIo) and leaves no part of itself.
  void row(const std::vector<CsvCell>& cells);

  void sync() { file_.sync(); }

 private:
  std::filesystem::path path_;
  std::vector<std::string> columns_;
  util::OutputFile file_;
};

// A whole table as text, for files that are written once.
std::string csv_text(const std::vector<std::string>& columns,
                     const std::vector<std::vector<CsvCell>>& rows);

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // as many cells as columns

  bool has(const std::string& column) const;
  // The numbers of a column, NaN where a cell is empty or no number; empty if there is no such
  // column.
  std::vector<double> numbers(const std::string& column) const;
};

// Reads a whole file; a last line without line end is left out. Error(kIo) names the line of a row
// that has too many or too few cells.
CsvTable read_csv(const std::filesystem::path& path);

}  // namespace dtrain::render
