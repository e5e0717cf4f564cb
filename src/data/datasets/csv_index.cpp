// Pictures that a CSV file lists.
#include "data/datasets/csv_index.h"

#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "data/datasets/class_numbers.h"
#include "data/datasets/csv_table.h"
#include "data/datasets/is_file.h"
#include "data/datasets/read_picture.h"
#include "data/split_names.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;

fs::path csv_of(const CsvIndexOptions& options, const std::string& split) {
  if (is_file(options.path)) return options.path;
  std::vector<std::string> tried;
  for (const std::string& name : split_names(split)) {
    tried.push_back(name + ".csv");
    if (is_file(options.path / tried.back())) return options.path / tried.back();
  }
  throw data_error("data set " + options.name,
                   "there is no CSV file " + options.path.string() + ", nor in it (looked for " +
                       util::joined(tried, ", ") + ")",
                   options.advice);
}

// The rows of one split, and the labels of its file.
CsvTable read_split(const CsvIndexOptions& options, const std::string& split) {
  const fs::path file = csv_of(options, split);
  const std::string what = "data set " + options.name + ", " + file.string();
  CsvFindings findings;
  CsvTable table = read_csv_table(util::read_file(file, kMaxCsvBytes), findings, options.csv);
  if (file != options.path) {  // named after its split
    for (const CsvRow& row : table.rows) {
      if (!table.has_splits || row.split == split) continue;
      findings.add(row.line, "is of split " + std::string(row.split) + ", the file of " + split);
    }
  } else if (!table.has_splits && split != options.class_split && options.known_classes.empty()) {
    throw data_error(
        what,
        "it has no column split, so that all of it is the training split",
        "add the column, or set data.holdout or data.folds to evaluate on a part of it");
  }
  findings.throw_if_any(what, options.advice);
  if (table.has_splits) std::erase_if(table.rows, [&](auto& row) { return row.split != split; });
  return table;
}

std::vector<std::string> classes_among(const CsvTable& table) {
  std::vector<bool> used(table.labels.size());
  for (const CsvRow& row : table.rows) used[static_cast<size_t>(row.label)] = true;
  std::vector<std::string> names;
  for (size_t i = 1; i < used.size(); ++i) {
    if (used[i]) names.push_back(table.labels[i]);
  }
  std::sort(names.begin(), names.end());
  const bool are_numbers = std::all_of(names.begin(), names.end(), is_class_number);
  return are_numbers ? numbered_classes(highest_class_number(names) + 1) : names;
}

// The target of each label of a table; -2 for what is no class.
std::vector<int64_t> targets_of_labels(const std::vector<std::string>& labels,
                                       const std::vector<std::string>& class_names) {
  std::unordered_map<std::string, int64_t> numbers;
  for (const std::string& name : class_names) {
    numbers.emplace(name, static_cast<int64_t>(numbers.size()));
  }
  std::vector<int64_t> targets = {kUnlabelled};
  for (size_t i = 1; i < labels.size(); ++i) {
    auto at = numbers.find(labels[i]);
    // "007" is class 7 where classes are numbers.
    if (at == numbers.end()) at = numbers.find(plain_class_number(labels[i]));
    targets.push_back(at == numbers.end() ? -2 : at->second);
  }
  return targets;
}

// Looks pictures up below a folder.
class Finder {
 public:
  Finder(fs::path folder, bool follow_links)
      : folder_(std::move(folder)), root_(fs::canonical(folder_)), follows_links_(follow_links) {}

  // What is wrong with a file; empty when nothing is, and `bytes` is its size.
  std::string trouble_with(const std::string& path, int64_t& bytes) {
    const fs::path full = folder_ / path;
    struct stat status = {};
    if (::lstat(full.c_str(), &status) != 0) return "there is no file " + path;
    if (path.starts_with('/')) {  // allowed by data.csv_absolute_paths, with the links on its way
      if (::stat(full.c_str(), &status) != 0) return "link " + path + " leads nowhere";
      if (!S_ISREG(status.st_mode)) return path + " is not a regular file";
      bytes = status.st_size;
      return "";
    }
    if (!follows_links_ && !inside(full.parent_path())) return "path " + path + leads_out();
    if (S_ISLNK(status.st_mode)) {
      std::error_code error;
      const fs::path target = fs::canonical(full, error);
      if (error || ::stat(full.c_str(), &status) != 0) return "link " + path + " leads nowhere";
      if (!follows_links_ && !below_root(target)) return "link " + path + leads_out();
    }
    if (!S_ISREG(status.st_mode)) return path + " is not a regular file";
    bytes = status.st_size;
    return "";
  }

 private:
  std::string leads_out() const {
    return " leads out of " + root_.string() + ", which data.follow_links=true allows";
  }
  bool below_root(const fs::path& path) const {
    return std::mismatch(root_.begin(), root_.end(), path.begin(), path.end()).first == root_.end();
  }
  // Asked once for each folder: there are far fewer of them than pictures.
  bool inside(const fs::path& folder) {
    const auto known = inside_.find(folder.native());
    if (known != inside_.end()) return known->second;
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    return inside_[folder.native()] = !error && below_root(real);
  }

  fs::path folder_, root_;
  bool follows_links_;
  std::unordered_map<std::string, bool> inside_;
};

}  // namespace

CsvIndex::CsvIndex(CsvIndexOptions options) : options_(std::move(options)) {
  const fs::path csv = csv_of(options_, options_.split);
  folder_ = util::parent_folder(csv);
  const std::string what = "data set " + options_.name + ", " + csv.string();
  const CsvTable table = read_split(options_, options_.split);
  if (!table.guessed.empty() && options_.split == options_.class_split) {
    util::log_info(what + ": read " + util::joined(table.guessed, ", "));
  }
  class_names_ = !options_.known_classes.empty() ? options_.known_classes
                 : options_.split == options_.class_split
                     ? classes_among(table)
                     : classes_among(read_split(options_, options_.class_split));
  if (class_names_.empty()) {
    throw data_error(
        "data set " + options_.name + ", " + csv_of(options_, options_.class_split).string(),
        "no row of split " + options_.class_split + " has a label",
        options_.advice);
  }
  const std::vector<int64_t> targets = targets_of_labels(table.labels, class_names_);
  const bool unlabelled = options_.split == kUnlabelledSplit;
  CsvFindings findings;
  Finder finder(folder_, options_.csv.follow_links);
  for (const CsvRow& row : table.rows) {
    const size_t label = static_cast<size_t>(row.label);
    File file{row.path, unlabelled ? kUnlabelled : targets[label], 0};
    std::string trouble = finder.trouble_with(row.path, file.bytes);
    if (trouble.empty() && file.target < kUnlabelled) {
      trouble = options_.known_classes.empty()
                    ? "split " + options_.class_split + " has no class " + table.labels[label]
                    : "the network knows no class " + table.labels[label];
    }
    if (!trouble.empty()) {
      findings.add(row.line, trouble);
    } else {
      files_.push_back(std::move(file));
    }
  }
  findings.throw_if_any(what, options_.advice);
  if (files_.empty()) {
    throw data_error(what, "has no row of split " + options_.split, options_.advice);
  }
  const int64_t count = size();
  if (options_.limit == 0 || options_.limit >= count) return;
  for (int64_t i = 0; i < options_.limit; ++i) {
    files_[static_cast<size_t>(i)] =
        std::move(files_[static_cast<size_t>(i * count / options_.limit)]);
  }
  files_.resize(static_cast<size_t>(options_.limit));
}

fs::path CsvIndex::path(int64_t index) const {
  return folder_ / files_[static_cast<size_t>(index)].path;
}

std::string CsvIndex::describe(int64_t index) const {
  return Dataset::describe(index) + ", " + path(index).string();
}

std::string CsvIndex::origin(int64_t index) const {
  return files_[static_cast<size_t>(index)].path;
}

std::vector<std::string> CsvIndex::splits(const fs::path& path, const CsvOptions& csv) {
  CsvTable table;
  if (is_file(path)) {
    CsvFindings findings;
    table = read_csv_table(util::read_file(path, kMaxCsvBytes), findings, csv);
    findings.throw_if_any(path.string(), "correct these rows");
    if (!table.has_splits) return {"train"};
  }
  std::vector<std::string> found;
  for (const std::string& split : kAllSplits) {
    const std::vector<std::string> names = split_names(split);
    if (std::any_of(names.begin(),
                    names.end(),
                    [&](const std::string& name) { return is_file(path / (name + ".csv")); }) ||
        std::any_of(table.rows.begin(), table.rows.end(), [&](const CsvRow& row) {
          return row.split == split;
        })) {
      found.push_back(split);
    }
  }
  return found;
}

void CsvIndex::read(int64_t index, Sample& sample) const {
  check(index >= 0 && index < size(), "a sample's index is below the size of its data set");
  read_picture(path(index), sample.encoded);
  sample.target = target(index);
  sample.id = index;
}

std::string CsvIndex::fingerprint() const {
  util::Hasher hasher;
  for (const File& file : files_) {
    const int64_t numbers[] = {static_cast<int64_t>(file.path.size()), file.target, file.bytes};
    hasher.update(numbers, sizeof numbers);
    hasher.update(file.path.data(), file.path.size());
  }
  return hasher.hex();
}

}  // namespace dtrain::data
