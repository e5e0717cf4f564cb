// The notation of steps in a configuration: name(value, key=value), as in
//   random_resized_crop(224, scale=0.2:1)    horizontal_flip    random_crop(32, padding=4,
//   mode=zero)
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace dtrain::data {

struct StepText {
  std::string name;
  std::vector<std::pair<std::string, std::string>> arguments;  // key (empty: by position), value
};

// Throws Error(kConfig) that shows the place for text that is not of this form.
StepText parse_step(const std::string& text);

}  // namespace dtrain::data
