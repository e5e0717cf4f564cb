// A list of what is wrong with a configuration: all of it is found first and reported at once, so
// that a user repairs a file in one go.
//
//   Problems problems;
//   problems.add("optimizer.lr", "must be above 0, but is -1");
//   problems.throw_if_any("configs/food11.json");      // Error(kConfig) whose text lists all
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/check.h"

namespace dtrain::config {

struct Problem {
  std::string where;  // key path, with file and line where they are known
  std::string text;   // what is wrong, and the nearest known name where there is one
};

class Problems {
 public:
  void add(std::string where, std::string text) {
    list_.push_back({std::move(where), std::move(text)});
  }
  void append(const Problems& more) {
    list_.insert(list_.end(), more.list_.begin(), more.list_.end());
  }
  bool empty() const { return list_.empty(); }
  const std::vector<Problem>& all() const { return list_; }

  // On one line: "a.b: text", or "2 problems: (1) a.b: text (2) c: text".
  std::string text() const;

  // Throws Error(code, subject, text(), advice) if there is anything in the list.
  void throw_if_any(const std::string& subject, ExitCode code = ExitCode::kConfig) const;

 private:
  std::vector<Problem> list_;
};

// The number of single-character insertions, deletions, replacements and swaps of neighbours that
// turn a into b (optimal string alignment); case and the difference of '-' and '_' do not count.
int edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `name`, or "" when none is near enough to be what was meant.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

// " (did you mean X?)", or "" when nothing is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace dtrain::config
