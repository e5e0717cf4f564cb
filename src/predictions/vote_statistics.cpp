#include "predictions/vote_statistics.h"

#include <cmath>

#include "data/sample.h"
#include "util/check.h"

namespace dtrain::predictions {
namespace {

// Of two members: samples where they differ, and labelled ones where both are wrong.
struct Pair {
  int64_t different = 0, both_wrong = 0;
};

Pair compare(std::span<const int64_t> a,
             std::span<const int64_t> b,
             std::span<const int64_t> targets) {
  Pair pair;
  for (size_t i = 0; i < targets.size(); ++i) {
    pair.different += a[i] != b[i];
    pair.both_wrong += targets[i] != data::kUnlabelled && a[i] != targets[i] && b[i] != targets[i];
  }
  return pair;
}

// Of two events among n that happen a, b and both times.
double phi(int64_t n, int64_t a, int64_t b, int64_t both) {
  const double above = double(n) * double(both) - double(a) * double(b);
  return above / std::sqrt(double(a) * double(n - a)) / std::sqrt(double(b) * double(n - b));
}

void count_right(const std::vector<std::span<const int64_t>>& members,
                 std::span<const int64_t> ensemble,
                 std::span<const int64_t> targets,
                 VoteStatistics& statistics) {
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] == data::kUnlabelled) continue;
    ++statistics.labelled;
    const bool vote_right = ensemble[i] == targets[i];
    bool any_right = false;
    for (size_t m = 0; m < members.size(); ++m) {
      PairedCounts& counts = statistics.members[m];
      const bool right = members[m][i] == targets[i];
      any_right |= right;
      ++(right ? (vote_right ? counts.both_right : counts.only_member)
               : (vote_right ? counts.only_ensemble : counts.none_right));
    }
    statistics.ensemble_right += vote_right;
    statistics.oracle_right += any_right;
  }
}

}  // namespace

VoteStatistics vote_statistics(const std::vector<std::span<const int64_t>>& members,
                               std::span<const int64_t> ensemble,
                               std::span<const int64_t> targets) {
  const size_t count = members.size();
  VoteStatistics statistics;
  statistics.samples = int64_t(targets.size());
  check(ensemble.size() == targets.size(), "the vote is on all samples");
  for (const auto& one : members) {
    check(one.size() == targets.size(), "members of a vote say something of each sample");
  }
  statistics.members.resize(count);
  count_right(members, ensemble, targets, statistics);
  statistics.disagreement.assign(count, std::vector<double>(count, 0));
  statistics.error_correlation.assign(count, std::vector<double>(count, 0));
  const auto wrong = [&](size_t m) {
    return statistics.labelled - statistics.members[m].member_right();
  };
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = 0; b <= a; ++b) {
      const Pair pair = compare(members[a], members[b], targets);
      statistics.disagreement[a][b] = statistics.disagreement[b][a] =
          double(pair.different) / double(statistics.samples);
      statistics.error_correlation[a][b] = statistics.error_correlation[b][a] =
          phi(statistics.labelled, wrong(a), wrong(b), pair.both_wrong);
    }
  }
  return statistics;
}

}  // namespace dtrain::predictions
