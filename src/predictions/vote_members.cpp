#include "predictions/vote_members.h"

#include <algorithm>
#include <utility>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::predictions {
namespace {

// The first place where equally long columns differ; their length where they do not.
template <class T>
size_t first_difference(const std::vector<T>& a, const std::vector<T>& b) {
  return size_t(std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin());
}

class MemberComparison {
 public:
  MemberComparison(const PredictionsFile& first, const PredictionsIndex& index)
      : first_(first), index_(index) {}

  void expect_same(const PredictionsFile& other) const {
    expect_same_number(other, "samples", first_.size(), other.size());
    expect_same_number(other, "classes", first_.classes(), other.classes());
    const auto& names = first_.header().class_names;
    const auto& other_names = other.header().class_names;
    if (const size_t at = first_difference(names, other_names); at < names.size()) {
      throw differ(other,
                   "class " + std::to_string(at),
                   util::quoted(names[at]),
                   util::quoted(other_names[at]));
    }
    const auto& ids = index_.ids;
    const auto& other_ids = other.index().ids;
    if (const size_t at = first_difference(ids, other_ids); at < ids.size()) {
      throw differ(other,
                   "the id of sample " + std::to_string(at),
                   std::to_string(ids[at]),
                   std::to_string(other_ids[at]));
    }
    const auto& targets = index_.targets;
    const auto& other_targets = other.index().targets;
    if (const size_t at = first_difference(targets, other_targets); at < targets.size()) {
      throw differ(other,
                   "the target of the sample with id " + std::to_string(ids[at]),
                   std::to_string(targets[at]),
                   std::to_string(other_targets[at]));
    }
    if (first_.header().data_fingerprint != other.header().data_fingerprint) {
      throw differ(other,
                   "the data's fingerprint",
                   util::quoted(first_.header().data_fingerprint),
                   util::quoted(other.header().data_fingerprint));
    }
  }

 private:
  void expect_same_number(const PredictionsFile& other,
                          const std::string& what,
                          int64_t here,
                          int64_t there) const {
    if (here != there) {
      throw differ(other, "the number of " + what, std::to_string(here), std::to_string(there));
    }
  }

  Error differ(const PredictionsFile& other,
               const std::string& what,
               const std::string& here,
               const std::string& there) const {
    return data_error(first_.path().string() + " and " + other.path().string(),
                      what + " differs: " + here + " and " + there,
                      "take predictions of the same data");
  }

  const PredictionsFile& first_;
  const PredictionsIndex& index_;
};

void expect_quorum(const VoteMembers& opened, size_t all, int64_t quorum) {
  const auto there = int64_t(opened.members.size());
  if (there >= std::max<int64_t>(quorum, 1)) return;
  std::string reasons;
  for (const MissingMember& one : opened.missing) reasons += "; " + one.reason;
  throw data_error(
      "vote of " + std::to_string(all) + " members",
      std::to_string(there) + " can be read, the quorum is " + std::to_string(quorum) + reasons,
      "predict the missing ones again, or lower the quorum");
}

}  // namespace

std::optional<PredictionsFile> open_whole(const std::filesystem::path& path,
                                          std::string* obstacle) {
  try {
    PredictionsFile file(path);
    file.verify_logits();
    return file;
  } catch (const Error& error) {
    *obstacle = error.what();
    return std::nullopt;
  }
}

VoteMembers open_members(const std::vector<std::filesystem::path>& paths,
                         int64_t quorum,
                         const std::vector<std::string>& obstacles) {
  check(obstacles.empty() || obstacles.size() == paths.size(), "of each member something is known");
  VoteMembers opened;
  // Comparisons refer to the first.
  opened.members.reserve(paths.size());
  for (size_t i = 0; i < paths.size(); ++i) {
    std::string obstacle = obstacles.empty() ? "" : obstacles[i];
    std::optional<PredictionsFile> file;
    if (quorum > 0 && obstacles.empty()) {
      file = open_whole(paths[i], &obstacle);
    } else if (obstacle.empty()) {
      file = PredictionsFile(paths[i]);
    }
    if (!file) {
      opened.missing.push_back({paths[i], obstacle});
      continue;
    }
    opened.members.push_back({std::move(*file), i, {}});
    VoteMember& member = opened.members.back();
    if (opened.members.size() > 1) {
      MemberComparison(opened.members.front().file, opened.index).expect_same(member.file);
    }
    PredictionsIndex index = member.file.take_index();
    member.predicted = std::exchange(index.predicted, {});
    if (opened.members.size() == 1) opened.index = std::move(index);
  }
  expect_quorum(opened, paths.size(), quorum);
  return opened;
}

}  // namespace dtrain::predictions
