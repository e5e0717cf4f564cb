#include "data/datasets/file_label.h"

#include <algorithm>
#include <set>

namespace dtrain::data {
namespace {

constexpr size_t kMostDigits = 6;
constexpr int kSurelyNumbers = 1000;  // classes up to here may have any gaps
constexpr size_t kMostGaps = 10;      // above, as many numbers for each label that is there

std::set<std::string> labels_of(const std::vector<std::string>& file_names, LabelSide side) {
  std::set<std::string> labels;
  for (const std::string& name : file_names) labels.insert(label_in_name(name, side));
  labels.erase("");
  return labels;
}

bool is_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

bool is_small_number(const std::string& label) {
  return label.size() <= kMostDigits && is_digits(label);
}

void set_classes(const std::set<std::string>& labels, LabelReading& reading) {
  reading.are_numbers =
      !labels.empty() && std::all_of(labels.begin(), labels.end(), is_small_number);
  if (!reading.are_numbers) {
    reading.classes.assign(labels.begin(), labels.end());
    return;
  }
  int highest = 0;
  for (const std::string& label : labels) highest = std::max(highest, std::stoi(label));
  // Dates are no class numbers.
  if (highest > kSurelyNumbers && static_cast<size_t>(highest) > kMostGaps * labels.size()) {
    reading.are_numbers = false;
    reading.classes.assign(labels.begin(), labels.end());
    return;
  }
  for (int k = 0; k <= highest; ++k) reading.classes.push_back(std::to_string(k));
}

}  // namespace

std::string label_in_name(const std::string& file_name, LabelSide side) {
  const size_t dot = file_name.rfind('.');
  const std::string stem = file_name.substr(0, dot == 0 ? std::string::npos : dot);
  const size_t first = stem.find('_'), last = stem.rfind('_');
  if (first == std::string::npos) return "";
  if (side == LabelSide::kLast) return stem.substr(last + 1);
  const bool ends_in_number = is_digits(stem.substr(last + 1)) && !is_digits(stem.substr(0, first));
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
  return are_numbers && is_small_number(label) ? std::to_string(std::stoi(label)) : label;
}

}  // namespace dtrain::data
