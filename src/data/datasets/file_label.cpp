#include "data/datasets/file_label.h"

#include <algorithm>
#include <set>

namespace dtrain::data {
namespace {

constexpr size_t kMostDigits = 6;

std::set<std::string> labels_of(const std::vector<std::string>& file_names, LabelSide side) {
  std::set<std::string> labels;
  for (const std::string& name : file_names) labels.insert(label_in_name(name, side));
  labels.erase("");
  return labels;
}

bool is_small_number(const std::string& label) {
  return !label.empty() && label.size() <= kMostDigits &&
         label.find_first_not_of("0123456789") == std::string::npos;
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
  for (int k = 0; k <= highest; ++k) reading.classes.push_back(std::to_string(k));
}

}  // namespace

std::string label_in_name(const std::string& file_name, LabelSide side) {
  const size_t dot = file_name.rfind('.');
  const std::string stem = file_name.substr(0, dot == 0 ? std::string::npos : dot);
  const size_t at = side == LabelSide::kFirst ? stem.find('_') : stem.rfind('_');
  if (at == std::string::npos) return "";
  return side == LabelSide::kFirst ? stem.substr(0, at) : stem.substr(at + 1);
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
