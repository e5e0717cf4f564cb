#include "review/vote_report.h"

#include <algorithm>
#include <vector>

#include "report/table.h"
#include "review/numbers.h"
#include "review/significance_text.h"

namespace dtrain::review {
namespace {

using inference::VoteResult;

// Letters as the matrices call the members: A, B, ..., then numbers.
std::string letter(size_t member) {
  return member < 26 ? std::string(1, char('A' + member)) : std::to_string(member + 1);
}

std::string members_text(const VoteResult& result) {
  const auto& statistics = result.statistics;
  const int64_t n = statistics.labelled;
  const auto accuracy = [&](int64_t right) {
    return n > 0 ? percent(double(right) / double(n)) : "-";
  };
  const auto interval = [&](int64_t right) { return accuracy_interval_text(right, n); };
  report::Table table({"", "accuracy", "95 % interval", "weight", "temperature", "model", "file"});
  for (size_t m = 0; m < result.members.size(); ++m) {
    const VoteResult::Member& member = result.members[m];
    const int64_t right = n > 0 ? statistics.members[m].member_right() : 0;
    table.row({letter(m),
               accuracy(right),
               interval(right),
               number(member.weight, "%.4f"),
               number(member.temperature, "%.4f"),
               member.model,
               member.path.string()});
  }
  if (n == 0) return table.text();
  table.rule();
  table.row({"vote",
             accuracy(statistics.ensemble_right),
             interval(statistics.ensemble_right),
             "",
             number(result.header.temperature, "%.4f"),
             result.header.method,
             ""});
  table.row({"oracle",
             accuracy(statistics.oracle_right),
             interval(statistics.oracle_right),
             "",
             "",
             "any member is right",
             ""});
  return table.text();
}

// The vote beside its best member: the gain, its interval, and whether it could be chance.
std::string gain_text(const inference::VoteStatistics& statistics) {
  size_t best = 0;
  for (size_t m = 1; m < statistics.members.size(); ++m) {
    if (statistics.members[m].member_right() > statistics.members[best].member_right()) best = m;
  }
  return "Gain over the best member (" + letter(best) +
         "): " + difference_text(statistics.members[best]) + "; " +
         std::to_string(statistics.labelled) + " samples";
}

std::string matrix_text(const std::string& title, const std::vector<std::vector<double>>& matrix) {
  std::vector<std::string> header = {title};
  for (size_t m = 0; m < matrix.size(); ++m) header.push_back(letter(m));
  report::Table table(header);
  for (size_t m = 0; m < matrix.size(); ++m) {
    std::vector<std::string> cells = {letter(m)};
    for (const double value : matrix[m]) cells.push_back(number(value, "%.4f"));
    table.row(std::move(cells));
  }
  return table.text();
}

}  // namespace

void log_vote(const VoteResult& result, const std::string& output, util::Log& log) {
  for (const std::string& warning : result.warnings) log.warning(warning);
  for (const auto& missing : result.missing) {
    log.warning("left out " + missing.path.string() + ": " + missing.reason);
  }
  log.info(members_text(result));
  const auto& statistics = result.statistics;
  if (result.members.size() > 1) {
    log.info(matrix_text("disagreement", statistics.disagreement));
    if (statistics.labelled > 0) {
      log.info(matrix_text("error correlation", statistics.error_correlation));
    }
  }
  if (statistics.labelled > 0) log.info(gain_text(statistics));
  log.info("Voted: " + std::to_string(statistics.samples) + " samples by " +
           std::to_string(result.members.size()) + " members: " + output);
}

}  // namespace dtrain::review
