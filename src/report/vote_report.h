// What a vote is worth, in words: members, gain, disagreement.
#pragma once

#include <string>
#include <vector>

#include "predictions/vote_files.h"
#include "report/cells.h"
#include "util/log.h"

namespace dtrain::report {

// Members, called A, B, ..., the vote and an oracle, with their accuracies.
Cells member_cells(const predictions::VoteResult& result);
// A number for each pair of members.
Cells matrix_cells(const std::string& title, const std::vector<std::vector<double>>& matrix);
// The vote beside its best member: the gain, its interval, and whether it could be chance. There
// are labelled samples.
std::string gain_text(const predictions::VoteStatistics& statistics);

// Warnings, a table of the members beside the vote and an oracle, and how alike the members are.
// `output` is the file that was written.
void log_vote(const predictions::VoteResult& result, const std::string& output, util::Log& log);

}  // namespace dtrain::report
