// What a vote is worth, in words: members, gain, disagreement.
#pragma once

#include <string>

#include "inference/vote_files.h"
#include "util/log.h"

namespace dtrain::review {

// Warnings, a table of the members beside the vote and an oracle, and how alike the members are.
// `output` is the file that was written.
void log_vote(const inference::VoteResult& result, const std::string& output, util::Log& log);

}  // namespace dtrain::review
