// Votes of several models on the same samples, in memory. vote_files.h does it for files.
//
//   const std::vector<Ballot> ballots = {{logits_a, {}, 1.3, 1}, {logits_b, {}, 0.9, 1}};
//   MergedBlock merged;
//   merge_votes(VoteRule::kSoft, ballots, classes, merged);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dtrain::predictions {

// p = softmax(logits / temperature) of each member.
enum class VoteRule {
  kHard,  // the class that most members chose; ties by summed p (equal within 1e-6 of it), then the
          // lowest class
  kSoft,  // mean of p
  kWeighted,     // sum of weight * p over the sum of the weights
  kRankAverage,  // Borda: mean of the classes' ranks, 1 for the smallest logit, ties sharing theirs
                 // (scipy.stats.rankdata's "average")
};

// "hard", "soft", "weighted", "rank-average", as in configurations and in a table's method.
const char* name_of(VoteRule rule);
VoteRule vote_rule(const std::string& name);  // Error(kConfig) for another name

// What one member says of n samples.
struct Ballot {
  std::span<const float> logits;       // (n, K); NaN counts as -inf
  std::span<const int64_t> predicted;  // (n); only kHard reads it
  double temperature = 1;              // > 0
  double weight = 1;                   // >= 0, not all 0; only kWeighted reads it
};

struct MergedBlock {
  // (n, K): the logarithm of the mean p, of the share of the votes (-inf where there is none), or
  // of the mean rank's share. Shares below 1.2e-38 are -inf.
  std::vector<float> logits;
  // (n): the class of the largest share, the lowest of equals. Shares are compared before their
  // logarithm is rounded.
  std::vector<int64_t> predicted;
};

// Members are added in their order, in single precision (ranks exactly). The result does not depend
// on the processor or on how samples are cut into blocks.
void merge_votes(VoteRule rule,
                 std::span<const Ballot> ballots,
                 int64_t classes,
                 MergedBlock& merged);

}  // namespace dtrain::predictions
