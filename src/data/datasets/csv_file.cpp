// A strict reader of CSV.
#include "data/datasets/csv_file.h"

#include "util/check.h"
#include "util/utf8.h"

namespace dtrain::data {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error malformed(const std::string& cause) {
  return data_error("CSV", cause, "write it as RFC 4180 describes, in UTF-8");
}

}  // namespace

CsvReader::CsvReader(std::string_view text) : text_(text) {
  if (text_.starts_with(kByteOrderMark)) position_ = kByteOrderMark.size();
}

void CsvReader::advance() {
  if (text_[position_] == '\n') ++position_line_;
  ++position_;
  if (position_ - begin_ > kMaxRecordBytes) {
    throw malformed("a record of more than 64 KiB begins here (is a quote never closed?)");
  }
}

bool CsvReader::next(std::vector<std::string>& fields) {
  while (!at_end()) {
    begin_ = position_;
    line_ = position_line_;
    read_record(fields);
    const std::string_view record = text_.substr(begin_, position_ - begin_);
    if (record.find('\0') != record.npos) throw malformed("holds a zero byte (is it UTF-16?)");
    if (!util::is_utf8(record)) throw malformed("is not UTF-8");
    if (record != "\n" && record != "\r\n") return true;
  }
  return false;
}

void CsvReader::read_record(std::vector<std::string>& fields) {
  fields.clear();
  for (;;) {
    std::string& field = fields.emplace_back();
    here() == '"' ? read_quoted(field) : read_plain(field);
    if (at_end()) return;
    if (here() == '\r') {
      advance();
      if (here() != '\n') throw malformed("holds a carriage return that no line feed follows");
    }
    const char separator = here();
    advance();
    if (separator == '\n') return;
  }
}

void CsvReader::read_quoted(std::string& field) {
  advance();
  for (;;) {
    if (at_end()) throw malformed("a quote that is opened here is never closed");
    const char c = here();
    advance();
    if (c == '"') {
      if (here() != '"') break;
      advance();
    }
    field += c;
  }
  if (!at_end() && here() != ',' && here() != '\r' && here() != '\n') {
    throw malformed("goes on behind a closing quote");
  }
}

void CsvReader::read_plain(std::string& field) {
  for (; !at_end() && here() != ',' && here() != '\r' && here() != '\n'; advance()) {
    if (here() == '"') throw malformed("holds a quote inside a field that does not begin with one");
    field += here();
  }
}

}  // namespace dtrain::data
