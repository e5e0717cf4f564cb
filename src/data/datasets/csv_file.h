// Reads CSV as RFC 4180 describes it: fields separated by commas, records by line ends; a field in
// quotes may hold both, and a quote written twice.
//
// Own code, because lines and strictness are the point: libcsv does not tell which line a record
// stands in, fast-cpp-csv-parser knows no line ends within quotes, and neither limits a record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dtrain::data {

// Walks over the records of `text`, which must outlive it. Line ends are CRLF or LF; a byte order
// mark in front and empty lines are passed over.
//
//   CsvReader reader(text);
//   for (std::vector<std::string> fields; reader.next(fields);) use(reader.line(), fields);
class CsvReader {
 public:
  static constexpr size_t kMaxRecordBytes = 64 << 10;

  explicit CsvReader(std::string_view text);

  // False at the end. Throws Error(kData), whose cause says what is wrong in line(): quotes that do
  // not pair, a carriage return alone, a zero byte, what is not UTF-8, a record of more than 64
  // KiB.
  bool next(std::vector<std::string>& fields);

  // Number of the line that the latest record begins in, from 1 on.
  int64_t line() const { return line_; }

 private:
  void read_record(std::vector<std::string>& fields);
  void read_quoted(std::string& field);
  void read_plain(std::string& field);
  bool at_end() const { return position_ == text_.size(); }
  // The character at the position, or zero at the end.
  char here() const { return at_end() ? '\0' : text_[position_]; }
  void advance();  // by one character

  std::string_view text_;
  size_t position_ = 0, begin_ = 0;       // begin_: of the latest record
  int64_t line_ = 0, position_line_ = 1;  // position_line_: of position_
};

}  // namespace dtrain::data
