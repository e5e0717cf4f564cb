// Predicted probabilities as a CSV: path,class,index,p_<class>,p_<class>,...
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "predictions/predictions.h"
#include "util/atomic_file.h"

namespace dtrain::predictions {

// A line for each row, in their order: the path of its file (its id where it is no file), name and
// index of the predicted class, and the probability of each class with six digits. The file
// appears, or replaces another, when finish() returns. Errors are Error(kIo).
class ProbabilityTable {
 public:
  ProbabilityTable(const std::filesystem::path& path, std::vector<std::string> class_names);
  // `probabilities` is (n, K).
  void add(const PredictionsIndex& rows, std::span<const double> probabilities);
  void finish() { file_.commit(); }

 private:
  std::vector<std::string> class_names_;
  util::AtomicFile file_;
};

}  // namespace dtrain::predictions
