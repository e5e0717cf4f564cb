// What a person should know of the data of a run, though it can be trained on.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace dtrain::data {

// A line each, for: a single class; classes without a training sample (of numbered ones: labels
// that leave gaps); class names that stand for a missing value, such as nan.
std::vector<std::string> doubts_about_classes(const Dataset& train);

// Or empty: that what is evaluated on is what is trained on, by the content.
std::string doubt_about_evaluation(const std::string& train_fingerprint,
                                   const std::string& eval_fingerprint);

}  // namespace dtrain::data
