// A vote of files of predictions, streamed: memory holds the ids and some blocks of logits.
//
//   const VoteResult result = vote_files({"a.h5", "b.h5", "c.h5"}, "vote.h5", {.threads = 2});
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "predictions/vote_members.h"
#include "predictions/vote_statistics.h"
#include "predictions/voting.h"

namespace dtrain::predictions {

struct VoteOptions {
  VoteRule rule = VoteRule::kSoft;
  std::vector<double> weights = {};         // of kWeighted: one for each path, >= 0, not all 0
  int64_t quorum = 0;                       // open_members()
  std::vector<std::string> obstacles = {};  // open_members(); prepare_vote() finds them
  // What members' logits are divided by, one for each path; empty: as their files say.
  std::vector<double> temperatures = {};
  double temperature = 1;  // what the vote's own logits are to be divided by, for its header
  int64_t threads = 1;     // at most; fewer where their blocks would take more than 512 MB
};

struct VoteResult {
  struct Member {
    std::filesystem::path path;
    std::string model, model_fingerprint;
    double temperature = 1;
    double weight = 1;  // as a share of the sum
  };
  std::vector<Member> members;
  std::vector<MissingMember> missing;
  std::vector<std::string> warnings;  // the same weights twice
  PredictionsHeader header;           // of the table that was written
  VoteStatistics statistics;
};

// Merges the tables, each at its temperature, into `output`. The file and the result depend neither
// on the threads nor on the machine. Throws what open_members() and the reading and writing of
// tables throw, and Error(kConfig) for options that do not fit.
VoteResult vote_files(const std::vector<std::filesystem::path>& paths,
                      const std::filesystem::path& output,
                      const VoteOptions& options);

}  // namespace dtrain::predictions
