#include "data/datasets/class_numbers.h"

#include <algorithm>

#include "util/text.h"

namespace dtrain::data {

bool is_class_number(const std::string& label) {
  constexpr size_t kMostDigits = 6;
  return label.size() <= kMostDigits && util::is_digits(label);
}

std::string plain_class_number(const std::string& label) {
  return is_class_number(label) ? std::to_string(std::stoi(label)) : label;
}

int64_t highest_class_number(const std::vector<std::string>& labels) {
  int64_t highest = -1;
  for (const std::string& label : labels) highest = std::max<int64_t>(highest, std::stoi(label));
  return highest;
}

std::vector<std::string> numbered_classes(int64_t count) {
  std::vector<std::string> names;
  for (int64_t k = 0; k < count; ++k) names.push_back(std::to_string(k));
  return names;
}

}  // namespace dtrain::data
