// What a vote was made of and is worth, as JSON beside its predictions: vote.h5 has vote.json.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "predictions/calibration.h"
#include "predictions/cross_validation.h"
#include "predictions/vote_files.h"

namespace dtrain::report {

struct VoteRecord {
  predictions::VoteResult result;  // of the header only what the file of the vote has
  std::optional<predictions::CalibrationReport> calibration;
  std::vector<predictions::CrossValidation> cross_validations = {};
};

std::filesystem::path vote_record_path(const std::filesystem::path& vote);

// Throws Error(kUnsafe) where the file at vote_record_path() is no record of a vote: a record
// replaces older ones of votes, but nothing that somebody else put there. To be asked before the
// vote is written.
void expect_replaceable_record(const std::filesystem::path& vote);

// Members' paths are kept relative to the vote's folder, so that an ensemble may be moved. Both
// throw Error(kIo), reading also where the file is damaged; writing what
// expect_replaceable_record() throws.
void write_vote_record(const std::filesystem::path& vote, const VoteRecord& record);
VoteRecord read_vote_record(const std::filesystem::path& vote);

}  // namespace dtrain::report
