#include "inference/submission.h"

#include <algorithm>

namespace dtrain::inference {
namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char letter : text) out += letter == '"' ? "\"\"" : std::string(1, letter);
  return out + '"';
}

}  // namespace

Submission::Submission(int64_t samples)
    : width_(std::max<size_t>(4, std::to_string(std::max<int64_t>(samples - 1, 0)).size())) {}

void Submission::add(const PredictionsIndex& rows, const std::vector<std::string>& class_names) {
  for (size_t i = 0; i < rows.ids.size(); ++i) {
    const std::string digits = std::to_string(rows.ids[i]);
    text_ += std::string(width_ - std::min(width_, digits.size()), '0') + digits + "," +
             quoted(class_names[size_t(rows.predicted[i])]) + "\n";
  }
}

}  // namespace dtrain::inference
