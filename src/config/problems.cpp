// The list of problems and the search for the nearest name.
#include "config/problems.h"

#include <algorithm>

#include "util/text.h"

namespace dtrain::config {
namespace {

std::string folded(std::string_view name) {
  std::string out = util::lower_case(std::string(name));
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

}  // namespace

std::string Problems::text() const {
  if (list_.size() == 1) return list_[0].where + ": " + list_[0].text;
  std::string out = std::to_string(list_.size()) + " problems:";
  for (size_t i = 0; i < list_.size(); ++i) {
    out += " (" + std::to_string(i + 1) + ") " + list_[i].where + ": " + list_[i].text;
  }
  return out;
}

void Problems::throw_if_any(const std::string& subject, ExitCode code) const {
  if (empty()) return;
  throw Error(code, subject, text(), "`dtrain help` and docs/configuration.md list every setting");
}

int edit_distance(std::string_view a_in, std::string_view b_in) {
  const std::string a = folded(a_in), b = folded(b_in);
  std::vector<int> two_back, previous(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_back[j - 2] + 1);
      }
    }
    two_back = previous;
    previous = row;
  }
  return previous[b.size()];
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  // Long names come from a mistake of another kind; the table would only cost time.
  if (name.size() > 100) return "";
  std::string best;
  int best_distance = std::max(1, static_cast<int>(name.size()) / 3) + 1;
  for (const auto& candidate : candidates) {
    const int distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_name(name, candidates);
  return nearest.empty() ? "" : " (did you mean " + nearest + "?)";
}

}  // namespace dtrain::config
