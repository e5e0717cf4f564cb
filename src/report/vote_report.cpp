#include "report/vote_report.h"

#include <algorithm>
#include <vector>

#include "report/numbers.h"
#include "report/significance_text.h"
#include "util/text.h"

namespace dtrain::report {
namespace {

using predictions::VoteResult;

// Letters as the matrices call the members: A, B, ..., then numbers.
std::string letter(size_t member) {
  return member < 26 ? std::string(1, char('A' + member)) : std::to_string(member + 1);
}

// The three cells on how many of all labelled samples are right.
std::vector<std::string> accuracy_cells(const std::string& name, int64_t right, int64_t labelled) {
  if (labelled == 0) return {name, "-", "-"};
  return {name, percent(double(right) / double(labelled)), accuracy_interval_text(right, labelled)};
}

std::vector<std::string> joined(std::vector<std::string> left,
                                const std::vector<std::string>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace

Cells member_cells(const VoteResult& result) {
  const auto& statistics = result.statistics;
  const int64_t n = statistics.labelled;
  Cells cells{.header = {"", "accuracy", "95 % interval", "weight", "temperature", "model", "file"},
              .rows = {}};
  for (size_t m = 0; m < result.members.size(); ++m) {
    const VoteResult::Member& member = result.members[m];
    const int64_t right = n > 0 ? statistics.members[m].member_right() : 0;
    cells.rows.push_back(joined(accuracy_cells(letter(m), right, n),
                                {util::number(member.weight, "%.4f"),
                                 util::number(member.temperature, "%.4f"),
                                 member.model,
                                 member.path.string()}));
  }
  if (n == 0) return cells;
  cells.body = cells.rows.size();
  cells.rows.push_back(
      joined(accuracy_cells("vote", statistics.ensemble_right, n),
             {"", util::number(result.header.temperature, "%.4f"), result.header.method, ""}));
  cells.rows.push_back(joined(accuracy_cells("oracle", statistics.oracle_right, n),
                              {"", "", "any member is right", ""}));
  return cells;
}

Cells matrix_cells(const std::string& title, const std::vector<std::vector<double>>& matrix) {
  Cells cells{.header = {title}, .rows = {}};
  for (size_t m = 0; m < matrix.size(); ++m) {
    cells.header.push_back(letter(m));
    cells.rows.push_back({letter(m)});
    for (const double value : matrix[m]) cells.rows.back().push_back(util::number(value, "%.4f"));
  }
  return cells;
}

std::string gain_text(const predictions::VoteStatistics& statistics) {
  size_t best = 0;
  for (size_t m = 1; m < statistics.members.size(); ++m) {
    if (statistics.members[m].member_right() > statistics.members[best].member_right()) best = m;
  }
  return "Gain over the best member (" + letter(best) +
         "): " + difference_text(statistics.members[best]) + "; " +
         std::to_string(statistics.labelled) + " samples";
}

void log_vote(const VoteResult& result, const std::string& output, util::Log& log) {
  for (const std::string& warning : result.warnings) log.warning(warning);
  for (const auto& missing : result.missing) {
    log.warning("left out " + missing.path.string() + ": " + missing.reason);
  }
  log.info(text_of(member_cells(result)));
  const auto& statistics = result.statistics;
  if (result.members.size() > 1) {
    log.info(text_of(matrix_cells("disagreement", statistics.disagreement)));
    if (statistics.labelled > 0) {
      log.info(text_of(matrix_cells("error correlation", statistics.error_correlation)));
    }
  }
  if (statistics.labelled > 0) log.info(gain_text(statistics));
  log.info("Voted: " + std::to_string(statistics.samples) + " samples by " +
           std::to_string(result.members.size()) + " members: " + output);
}

}  // namespace dtrain::report
