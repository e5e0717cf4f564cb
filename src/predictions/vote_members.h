// The files that take part in a vote: opened, and compared before anything is merged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "predictions/predictions.h"

namespace dtrain::predictions {

struct VoteMember {
  PredictionsFile file;  // its index is handed over
  size_t place = 0;      // among the paths that were given
  std::vector<int64_t> predicted;
};

struct MissingMember {
  std::filesystem::path path;
  std::string reason;
};

struct VoteMembers {
  std::vector<VoteMember> members;  // in the order of the paths
  PredictionsIndex index;           // of all of them, without `predicted`
  std::vector<MissingMember> missing;
};

// Opens tables of the same samples. Throws Error(kData) that names two files and what differs: the
// number of samples, the first id, a class, a target or the fingerprint of the data.
//
// `quorum` 0: all must open, and the error is that of the first which does not. Otherwise those
// that are damaged or not there are left out, and Error(kData) names them if fewer than `quorum`
// remain. To find damage before anything is merged, all logits are read once for their checksums;
// `obstacles`, one for each path, say what is known already: why a member is left out, or nothing
// of one that was read. They may be empty.
VoteMembers open_members(const std::vector<std::filesystem::path>& paths,
                         int64_t quorum,
                         const std::vector<std::string>& obstacles = {});

// Opens a table and checks all its logits; otherwise nothing, and says why.
std::optional<PredictionsFile> open_whole(const std::filesystem::path& path, std::string* obstacle);

}  // namespace dtrain::predictions
