// Columns and rows of a CSV file that lists pictures.
#include "data/datasets/csv_table.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <unordered_map>

#include "data/datasets/csv_file.h"
#include "data/split_names.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

constexpr int64_t kMostListed = 10;

bool has_control_characters(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; });
}

bool is_negative_number(const std::string& text) {
  return text.starts_with('-') && util::is_digits(std::string_view(text).substr(1));
}

// For messages, from a field that has not been checked.
std::string shown(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  }
  return text.substr(0, 200);
}

// What is wrong with a path or a label as a text; empty when nothing is.
std::string trouble_with_path(const std::string& path, bool may_be_absolute) {
  if (path.empty()) return "the path is empty";
  if (path.size() > 4096) return "the path is longer than 4096 bytes";
  if (has_control_characters(path)) return "the path holds a control character";
  if (path[0] == '/') {
    if (may_be_absolute) return "";
    return "path " + path +
           " is absolute; paths are relative to the CSV's folder, unless data.csv_absolute_paths "
           "is "
           "set";
  }
  const auto normal = std::filesystem::path(path).lexically_normal();
  if (*normal.begin() == "..") return "path " + path + " leaves the CSV's folder";
  return "";
}

std::string trouble_with_label(const std::string& label) {
  if (label.size() > 200) return "the label is longer than 200 bytes";
  if (has_control_characters(label)) return "the label holds a control character";
  if (label.starts_with(' ') || label.ends_with(' ')) {
    return "label '" + label + "' begins or ends with a space";
  }
  if (is_negative_number(label)) {
    return "label " + label + " is negative; leave it empty for a sample without a label";
  }
  return "";
}

// A column that is looked for.
struct Wanted {
  std::string name, setting;
  std::vector<std::string> synonyms;  // its default name and, in small letters, others for it
  bool is_required = true;
};

class TableReader {
 public:
  TableReader(std::string_view text, CsvFindings& findings, const CsvOptions& options)
      : reader_(text), findings_(findings), options_(options) {}

  CsvTable read() {
    try {
      if (read_header()) read_rows();
    } catch (const Error& error) {
      // Behind broken quotes nothing means what it says.
      findings_.add(reader_.line(), error.cause());
    }
    return std::move(table_);
  }

 private:
  bool read_header() {
    if (!reader_.next(fields_)) {
      findings_.add(1, "the file is empty, expected the header path,label");
      return false;
    }
    columns_ = fields_.size();
    path_ = find_column({.name = options_.path_column,
                         .setting = "data.csv_path_column",
                         .synonyms = {"path",
                                      "image",
                                      "image_path",
                                      "img",
                                      "img_path",
                                      "file",
                                      "filename",
                                      "file_name",
                                      "filepath",
                                      "file_path",
                                      "image_id"}});
    label_ = find_column(
        {.name = options_.label_column,
         .setting = "data.csv_label_column",
         .synonyms = {"label", "class", "category", "target", "class_name", "label_name"}});
    split_ = find_column({.name = options_.split_column,
                          .setting = "data.csv_split_column",
                          .synonyms = {"split"},
                          .is_required = options_.split_column != "split"});
    table_.has_splits = split_.has_value();
    return path_ && label_;
  }

  std::optional<size_t> find_column(const Wanted& wanted) {
    const auto at = std::find(fields_.begin(), fields_.end(), wanted.name);
    if (at != fields_.end() && std::find(at + 1, fields_.end(), wanted.name) != fields_.end()) {
      findings_.add(reader_.line(), "the header names column " + wanted.name + " twice");
    }
    if (at != fields_.end()) return at - fields_.begin();
    std::vector<size_t> similar;
    for (size_t i = 0; i < fields_.size() && wanted.name == wanted.synonyms.front(); ++i) {
      const auto& names = wanted.synonyms;
      if (std::find(names.begin(), names.end(), util::lower_case(fields_[i])) != names.end()) {
        similar.push_back(i);
      }
    }
    if (similar.size() == 1) {
      table_.guessed.push_back("column " + shown(fields_[similar[0]]) + " as " + wanted.name);
      return similar[0];
    }
    if (wanted.is_required || !similar.empty())
      findings_.add(reader_.line(), missing(wanted, similar));
    return std::nullopt;
  }

  std::string missing(const Wanted& wanted, const std::vector<size_t>& similar) const {
    if (!similar.empty()) {
      return "the header has no column " + wanted.name + ", and several that could be meant: " +
             shown(util::joined(similar, " | ", [&](size_t i) { return fields_[i]; })) +
             "; name one with " + wanted.setting;
    }
    const bool is_one = fields_.size() == 1;
    if (is_one && fields_[0].find_first_of(";\t") != std::string::npos) {
      return "the columns are not separated by commas: " + shown(fields_[0]);
    }
    return "the header has no column " + shown(wanted.name) +
           ", only: " + shown(util::joined(fields_, " | ")) + "; name it with " + wanted.setting;
  }

  void read_rows() {
    while (reader_.next(fields_)) {
      if (table_.rows.size() == kMaxCsvRows) {
        findings_.add(reader_.line(), "there are more than 4 million rows");
        return;
      }
      read_row();
    }
  }

  void read_row() {
    const int64_t line = reader_.line();
    if (fields_.size() != columns_) {
      return findings_.add(line,
                           "expected " + std::to_string(columns_) + " fields, found " +
                               std::to_string(fields_.size()));
    }
    std::string trouble = trouble_with_path(fields_[*path_], options_.absolute_paths);
    if (trouble.empty()) trouble = trouble_with_label(fields_[*label_]);
    std::optional<std::string_view> split = "";
    if (trouble.empty() && split_) {
      split = split_called(fields_[*split_]);
      if (!split)
        trouble = "'" + shown(fields_[*split_]) +
                  "' is no split: they are train, validation, test and unlabeled";
    }
    const int32_t label = trouble.empty() ? number_of(fields_[*label_]) : 0;
    if (label < 0) trouble = "there are more than 100,000 different labels";
    if (!trouble.empty()) return findings_.add(line, trouble);
    table_.rows.push_back({fields_[*path_], label, *split, line});
  }

  int32_t number_of(const std::string& label) {
    const auto known = numbers_.find(label);
    if (known != numbers_.end()) return known->second;
    if (table_.labels.size() > kMaxCsvLabels) return -1;
    const auto number = static_cast<int32_t>(table_.labels.size());
    table_.labels.push_back(label);
    return numbers_[label] = number;
  }

  CsvReader reader_;
  CsvFindings& findings_;
  const CsvOptions& options_;
  CsvTable table_;
  std::vector<std::string> fields_;
  size_t columns_ = 0;
  std::optional<size_t> path_, label_, split_;
  std::unordered_map<std::string, int32_t> numbers_ = {{"", 0}};
};

}  // namespace

void CsvFindings::add(int64_t line, const std::string& text) {
  if (++count_ <= kMostListed) listed_.add("line " + std::to_string(line), text);
}

void CsvFindings::throw_if_any(const std::string& what, const std::string& advice) const {
  if (count_ == 0) return;
  const int64_t more = count_ - kMostListed;
  throw data_error(
      what, listed_.text() + (more > 0 ? ", and " + std::to_string(more) + " more" : ""), advice);
}

CsvTable read_csv_table(std::string_view text, CsvFindings& findings, const CsvOptions& options) {
  return TableReader(text, findings, options).read();
}

}  // namespace dtrain::data
