// A CSV file that lists pictures: one a row, with its label and perhaps its split.
//
//   path,label,split
//   images/1.jpg,cat,train
//   "images/2, dark.jpg",,train          no label
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.h"

namespace dtrain::data {

// What is wrong with a file, by line: the first ten in words, the others as a count.
class CsvFindings {
 public:
  void add(int64_t line, const std::string& text);
  // Throws Error(kData).
  void throw_if_any(const std::string& what, const std::string& advice) const;

 private:
  config::Problems listed_;
  int64_t count_ = 0;
};

// Which columns hold what (data.csv_*). Where a column has its default name and the header lacks
// it, one of the usual other names is taken, in any case of letters, if exactly one is there:
// image, filename, file, image_id ... for path; class, category, target ... for label.
struct CsvOptions {
  std::string path_column = "path", label_column = "label", split_column = "split";
  bool absolute_paths = false;  // paths may begin with a slash and name files anywhere
  bool follow_links = false;    // that lead out of the CSV's folder
};

struct CsvRow {
  std::string path;
  int32_t label = 0;       // position in CsvTable::labels
  std::string_view split;  // train, validation, test or unlabeled; empty without such a column
  int64_t line = 0;
};

struct CsvTable {
  std::vector<CsvRow> rows;
  std::vector<std::string> labels = {""};  // each once; the first is that of rows without a label
  bool has_splits = false;
  std::vector<std::string> guessed;  // "column image as path", where names were not the default
};

// Limits, so that a hostile file does not take the memory.
inline constexpr int64_t kMaxCsvBytes = int64_t{256} << 20;
inline constexpr size_t kMaxCsvRows = 4'000'000;
inline constexpr size_t kMaxCsvLabels = 100'000;

// Reads the header (columns of paths and labels required, that of splits only where it was named,
// others ignored) and all rows. Paths are checked as texts: relative, unless absolute ones are
// allowed, and not leaving the folder. What is wrong goes to `findings`, with rows that have a
// problem left out.
CsvTable read_csv_table(std::string_view text,
                        CsvFindings& findings,
                        const CsvOptions& options = {});

}  // namespace dtrain::data
