// Predicted classes as a CSV of Id,Category lines, as competitions take them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inference/predictions.h"

namespace dtrain::inference {

// A line for each row, with the id padded to the width that `samples` in all need, four digits at
// least, and the name of the predicted class, quoted after RFC 4180 where it must be.
class Submission {
 public:
  explicit Submission(int64_t samples);
  void add(const PredictionsIndex& rows, const std::vector<std::string>& class_names);
  const std::string& text() const { return text_; }

 private:
  size_t width_;
  std::string text_ = "Id,Category\n";
};

}  // namespace dtrain::inference
