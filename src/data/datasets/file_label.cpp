#include "data/datasets/file_label.h"

#include <algorithm>
#include <set>

#include "data/datasets/class_numbers.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

constexpr int64_t kSurelyNumbers = 1000;  // classes up to here may have any gaps
constexpr int64_t kMostGaps = 10;         // above, as many numbers for each label that is there

std::set<std::string> labels_of(const std::vector<std::string>& file_names, LabelSide side) {
  std::set<std::string> labels;
  for (const std::string& name : file_names) labels.insert(label_in_name(name, side));
  labels.erase("");
  return labels;
}

void set_classes(const std::set<std::string>& labels, LabelReading& reading) {
  reading.classes.assign(labels.begin(), labels.end());
  if (labels.empty() || !std::all_of(labels.begin(), labels.end(), is_class_number)) return;
  const int64_t highest = highest_class_number(reading.classes);
  const auto most = kMostGaps * static_cast<int64_t>(labels.size());
  if (highest > kSurelyNumbers && highest > most) return;  // dates are no class numbers
  reading.are_numbers = true;
  reading.classes = numbered_classes(highest + 1);
}

}  // namespace

std::string label_in_name(const std::string& file_name, LabelSide side) {
  const size_t dot = file_name.rfind('.');
  const std::string stem = file_name.substr(0, dot == 0 ? std::string::npos : dot);
  const size_t first = stem.find('_'), last = stem.rfind('_');
  if (first == std::string::npos) return "";
  if (side == LabelSide::kLast) return stem.substr(last + 1);
  const bool ends_in_number =
      util::is_digits(stem.substr(last + 1)) && !util::is_digits(stem.substr(0, first));
  return stem.substr(0, ends_in_number ? last : first);
}

LabelReading read_labels(const std::vector<std::string>& file_names, const std::string& wanted) {
  const auto first = labels_of(file_names, LabelSide::kFirst);
  const auto last = labels_of(file_names, LabelSide::kLast);
  const auto one_of_its_own = [&](const auto& labels) {
    return labels.empty() || labels.size() * 2 > file_names.size();
  };
  const bool takes_last =
      wanted == "last" || (wanted == "auto" && one_of_its_own(first) && !one_of_its_own(last));
  LabelReading reading;
  reading.side = takes_last ? LabelSide::kLast : LabelSide::kFirst;
  reading.labels_on_other_side = takes_last ? first.size() : last.size();
  reading.other_side_fits =
      reading.labels_on_other_side > 1 && !one_of_its_own(takes_last ? first : last);
  set_classes(takes_last ? last : first, reading);
  return reading;
}

std::string LabelReading::class_of(const std::string& file_name) const {
  const std::string label = label_in_name(file_name, side);
  return are_numbers ? plain_class_number(label) : label;
}

}  // namespace dtrain::data
