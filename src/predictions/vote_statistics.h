// How members of a vote and the vote itself do, side by side, from the classes they chose.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dtrain::predictions {

// Two classifiers on the same labelled samples: all that McNemar's test needs, and, as counts of a
// multinomial distribution, all that a bootstrap of accuracies and of their difference needs.
struct PairedCounts {
  int64_t both_right = 0, only_member = 0, only_ensemble = 0, none_right = 0;

  int64_t member_right() const { return both_right + only_member; }
  bool operator==(const PairedCounts&) const = default;
};

struct VoteStatistics {
  int64_t samples = 0;
  int64_t labelled = 0;  // samples with a target: all that follows but disagreement is of these
  std::vector<PairedCounts> members;  // each beside the ensemble
  int64_t ensemble_right = 0;
  int64_t oracle_right = 0;  // where any member is right
  // (M, M): share of all samples where two members choose different classes; 0 on the diagonal.
  std::vector<std::vector<double>> disagreement;
  // (M, M): the phi coefficient of two members' errors: 1 the same samples, 0 independent. NaN for
  // a member that is always or never right.
  std::vector<std::vector<double>> error_correlation;
};

// `members`: of each the class of each sample. Targets may be data::kUnlabelled.
VoteStatistics vote_statistics(const std::vector<std::span<const int64_t>>& members,
                               std::span<const int64_t> ensemble,
                               std::span<const int64_t> targets);

}  // namespace dtrain::predictions
