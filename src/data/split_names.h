// What people call the splits of a data set.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/field.h"

namespace dtrain::data {

// The samples that come without labels, for semi-supervised training.
inline constexpr const char* kUnlabelledSplit = "unlabeled";

// In the order in which they are listed and packed.
inline const std::vector<std::string> kAllSplits = {
    "train", "validation", "test", kUnlabelledSplit};

// Names of folders and files that mean `split` (train, validation, test or unlabeled), the usual
// one first.
inline std::vector<std::string> split_names(const std::string& split) {
  if (split == "train") return {"train", "training"};
  if (split == "validation") return {"validation", "val", "valid"};
  if (split == kUnlabelledSplit) return {"unlabeled", "unlabelled"};
  return {"test", "testing", "evaluation"};
}

// The split that a name means; nothing for other names.
inline std::optional<std::string_view> split_called(const std::string& name) {
  for (const std::string& split : kAllSplits) {
    const std::vector<std::string> names = split_names(split);
    if (std::find(names.begin(), names.end(), name) != names.end()) return split;
  }
  return std::nullopt;
}

// For settings that name a split: the usual other names of validation are read as well.
inline config::OneOf one_of_splits(std::vector<std::string> names) {
  return config::one_of(std::move(names), {{"val", "validation"}, {"valid", "validation"}});
}

}  // namespace dtrain::data
