#include "predictions/submission.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "util/csv.h"

namespace dtrain::predictions {
namespace {

constexpr size_t kLeastWidth = 4;

std::string padded(const std::string& digits, size_t width) {
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

// "new/0017.jpg" -> "0017"; empty where there are other letters.
std::string number_of(const std::string& path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  const bool is_number = std::all_of(stem.begin(), stem.end(), [](unsigned char letter) {
    return letter >= '0' && letter <= '9';
  });
  return is_number ? stem : "";
}

std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

// Of whole numbers of any length.
std::string without_zeros(const std::string& digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
}

bool is_smaller(const std::string& a, const std::string& b) {
  const std::string x = without_zeros(a), y = without_zeros(b);
  return x.size() != y.size() ? x.size() < y.size() : x < y;
}

}  // namespace

Submission::Submission(int64_t samples)
    : width_(std::max(kLeastWidth, std::to_string(std::max<int64_t>(samples - 1, 0)).size())) {}

void Submission::add(const PredictionsIndex& rows, const std::vector<std::string>& class_names) {
  class_names_ = class_names;
  for (size_t i = 0; i < rows.ids.size(); ++i) {
    lines_.push_back({rows.ids[i], rows.predicted[i], rows.paths[i], number_of(rows.paths[i])});
  }
}

// In the order of their numbers; empty where not all files have one, or two the same.
std::vector<const Submission::Line*> Submission::numbered() const {
  std::vector<const Line*> lines;
  for (const Line& line : lines_) {
    if (line.stem.empty()) return {};
    lines.push_back(&line);
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line* a, const Line* b) {
    return is_smaller(a->stem, b->stem);
  });
  const auto twin =
      std::adjacent_find(lines.begin(), lines.end(), [](const Line* a, const Line* b) {
        return !is_smaller(a->stem, b->stem);
      });
  if (twin != lines.end()) return {};
  return lines;
}

std::string Submission::text() const {
  std::vector<const Line*> lines = numbered();
  const bool is_numbered = !lines.empty();
  std::set<std::string> names;
  bool are_files = true;
  if (!is_numbered) {
    for (const Line& line : lines_) {
      lines.push_back(&line);
      names.insert(name_of(line.path));
      are_files = are_files && !line.path.empty();
    }
  }
  const bool are_names_unique = names.size() == lines_.size();
  std::string text = util::csv_row({"Id", "Category"});
  for (const Line* line : lines) {
    const std::string id = is_numbered        ? padded(line->stem, kLeastWidth)
                           : !are_files       ? padded(std::to_string(line->id), width_)
                           : are_names_unique ? name_of(line->path)
                                              : line->path;
    text += util::csv_row({id, class_names_[size_t(line->predicted)]});
  }
  return text;
}

}  // namespace dtrain::predictions
