#include "review/vote_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "report/table.h"

namespace dtrain::review {
namespace {

using inference::VoteResult;

std::string number(double value, const char* format) {
  std::array<char, 32> text{};
  if (std::isfinite(value)) std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

// Letters as the matrices call the members: A, B, ..., then numbers.
std::string letter(size_t member) {
  return member < 26 ? std::string(1, char('A' + member)) : std::to_string(member + 1);
}

std::string members_text(const VoteResult& result) {
  const auto& statistics = result.statistics;
  const auto percent = [&](int64_t right) {
    return number(100.0 * double(right) / double(statistics.labelled), "%.3f");
  };
  report::Table table({"", "accuracy", "weight", "temperature", "model", "file"});
  for (size_t m = 0; m < result.members.size(); ++m) {
    const VoteResult::Member& member = result.members[m];
    table.row({letter(m),
               statistics.labelled > 0 ? percent(statistics.members[m].member_right()) : "",
               number(member.weight, "%.4f"),
               number(member.temperature, "%.4f"),
               member.model,
               member.path.string()});
  }
  if (statistics.labelled > 0) {
    table.rule();
    table.row({"vote", percent(statistics.ensemble_right), "", "", result.header.method, ""});
    table.row({"oracle", percent(statistics.oracle_right), "", "", "any member is right", ""});
  }
  return table.text();
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
  if (statistics.labelled > 0) {
    int64_t best = 0;
    for (const auto& member : statistics.members) best = std::max(best, member.member_right());
    log.info("Gain over the best member: " +
             number(100.0 * double(statistics.ensemble_right - best) / double(statistics.labelled),
                    "%+.3f") +
             " points of " + std::to_string(statistics.labelled) + " samples");
  }
  log.info("Voted: " + std::to_string(statistics.samples) + " samples by " +
           std::to_string(result.members.size()) + " members: " + output);
}

}  // namespace dtrain::review
