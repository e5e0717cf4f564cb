// What a vote is worth, in words: members, gain, disagreement.
#pragma once

#include <string>
#include <vector>

#include "inference/vote_files.h"
#include "review/cells.h"
#include "util/log.h"

namespace dtrain::review {

// Members, called A, B, ..., the vote and an oracle, with their accuracies.
Cells member_cells(const inference::VoteResult& result);
// A number for each pair of members.
Cells matrix_cells(const std::string& title, const std::vector<std::vector<double>>& matrix);
// The vote beside its best member: the gain, its interval, and whether it could be chance. There
// are labelled samples.
std::string gain_text(const inference::VoteStatistics& statistics);

// Warnings, a table of the members beside the vote and an oracle, and how alike the members are.
// `output` is the file that was written.
void log_vote(const inference::VoteResult& result, const std::string& output, util::Log& log);

}  // namespace dtrain::review
