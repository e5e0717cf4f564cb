#include "data/datasets/doubts.h"

#include <algorithm>
#include <array>

#include "data/datasets/subset.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

constexpr size_t kMostDoubted = 5;
constexpr std::array kMissingValues = {
    "nan", "none", "null", "na", "n/a", "<na>", "?", "undefined"};

// "a, b, c, d, e and 7 more".
std::string first_of(std::vector<std::string> names) {
  const size_t more = names.size() - std::min(names.size(), kMostDoubted);
  names.resize(names.size() - more);
  return util::joined(names, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

}  // namespace

std::vector<std::string> doubts_about_classes(const Dataset& train) {
  const std::vector<std::string>& names = train.class_names();
  const std::vector<int64_t> sizes = class_sizes(train);
  std::vector<std::string> unseen, missing, doubts;
  for (size_t k = 0; k < names.size(); ++k) {
    if (sizes[k] == 0) unseen.push_back(names[k]);
    if (std::find(kMissingValues.begin(), kMissingValues.end(), util::lower_case(names[k])) !=
        kMissingValues.end()) {
      missing.push_back(names[k]);
    }
  }
  if (names.size() == 1) {
    doubts.push_back("There is one class only, " + names[0] + ": nothing can be learnt");
  }
  if (!unseen.empty()) {
    const bool gaps = std::all_of(names.begin(), names.end(), util::is_digits);
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
