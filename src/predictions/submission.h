// Predicted classes as a CSV of Id,Category lines, as competitions take them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "predictions/predictions.h"

namespace dtrain::predictions {

// A line for each row: its id, and the name of the predicted class, quoted after RFC 4180 where it
// must be. Where the rows come from files whose names, but for their endings, are different whole
// numbers, that number is the id, as it is written and with four digits at least, and the lines are
// in its order: 1.jpg, 2.jpg, 10.jpg are 0001, 0002, 0010. Of other files the id is the name, or
// the whole path where two in different folders have the same. Rows that come from no file have
// their own id, in the width that `samples` in all need, four digits at least.
class Submission {
 public:
  explicit Submission(int64_t samples);
  void add(const PredictionsIndex& rows, const std::vector<std::string>& class_names);
  std::string text() const;

 private:
  struct Line {
    int64_t id = 0, predicted = 0;
    std::string path;  // empty where it comes from no file
    std::string stem;  // of the file; empty where it is no whole number
  };
  std::vector<const Line*> numbered() const;

  size_t width_;
  std::vector<std::string> class_names_;
  std::vector<Line> lines_;
};

}  // namespace dtrain::predictions
