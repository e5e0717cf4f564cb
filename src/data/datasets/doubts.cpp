#include "data/datasets/doubts.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "util/text.h"

namespace dtrain::data {
namespace {

constexpr size_t kMostDoubted = 5;
constexpr std::array kMissingValues = {
    "nan", "none", "null", "na", "n/a", "<na>", "?", "undefined"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

bool is_number(const std::string& name) {
  return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
}

// "a, b, c, d, e and 7 more".
std::string first_of(std::vector<std::string> names) {
  const size_t more = names.size() - std::min(names.size(), kMostDoubted);
  names.resize(names.size() - more);
  return util::joined(names, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

}  // namespace

std::vector<std::string> doubts_about_classes(const Dataset& train) {
  const std::vector<std::string>& names = train.class_names();
  std::vector<bool> seen(names.size(), false);
  for (int64_t i = 0; i < train.size(); ++i) {
    if (const int64_t target = train.target(i); target >= 0)
      seen[static_cast<size_t>(target)] = true;
  }
  std::vector<std::string> unseen, missing, doubts;
  for (size_t k = 0; k < names.size(); ++k) {
    if (!seen[k]) unseen.push_back(names[k]);
    if (std::find(kMissingValues.begin(), kMissingValues.end(), lower(names[k])) !=
        kMissingValues.end()) {
      missing.push_back(names[k]);
    }
  }
  if (names.size() == 1) {
    doubts.push_back("There is one class only, " + names[0] + ": nothing can be learnt");
  }
  if (!unseen.empty()) {
    const bool gaps = std::all_of(names.begin(), names.end(), is_number);
    doubts.push_back(std::to_string(unseen.size()) + " of " + std::to_string(names.size()) +
                     " classes have no training image: " + first_of(unseen) +
                     (gaps ? " (labels leave gaps)" : ""));
  }
  if (!missing.empty()) {
    doubts.push_back("A class is named like a missing value: " + first_of(missing) +
                     "; leave the label empty for images without one, and set data.unlabeled=rest");
  }
  return doubts;
}

std::string doubt_about_evaluation(const std::string& train_fingerprint,
                                   const std::string& eval_fingerprint) {
  if (train_fingerprint != eval_fingerprint) return "";
  return "The evaluation split is the training split: its accuracy says nothing about new images";
}

}  // namespace dtrain::data
