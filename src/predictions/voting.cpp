#include "predictions/voting.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "predictions/softmax_kernels.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::predictions {
namespace {

// Sums of the same probabilities in another order differ by less, and are not to decide a tie.
constexpr float kEqualSums = 1e-6F;
constexpr std::array<const char*, 4> kNames = {"hard", "soft", "weighted", "rank-average"};

// Of the mean of softmax over the members, into merged.logits.
void add_probabilities(VoteRule rule,
                       std::span<const Ballot> ballots,
                       int64_t classes,
                       MergedBlock& merged) {
  double total = 0;
  for (const Ballot& one : ballots) total += rule == VoteRule::kWeighted ? one.weight : 1;
  for (const Ballot& one : ballots) {
    const double weight = rule == VoteRule::kWeighted ? one.weight : 1;
    // Its logits may be broken: they are not to count.
    if (weight == 0) continue;
    add_softmax(
        one.logits, classes, float(1 / one.temperature), float(weight / total), merged.logits);
  }
}

// The decision on one sample from its counts of votes. Summed probabilities are needed for ties
// alone.
int64_t decide(std::span<const Ballot> ballots,
               size_t sample,
               std::span<const float> votes,
               std::vector<float>& sums) {
  const size_t classes = votes.size();
  const int64_t first = largest_of_row(votes);
  const float most = votes[size_t(first)];
  if (std::count(votes.begin(), votes.end(), most) == 1) return first;
  sums.assign(classes, 0);
  for (const Ballot& one : ballots) {
    add_softmax(one.logits.subspan(sample * classes, classes),
                int64_t(classes),
                float(1 / one.temperature),
                1,
                sums);
  }
  float top = 0;
  for (size_t k = 0; k < classes; ++k) {
    if (votes[k] == most) top = std::max(top, sums[k]);
  }
  size_t best = size_t(first);
  while (votes[best] != most || sums[best] < top * (1 - kEqualSums)) ++best;
  return int64_t(best);
}

void merge_hard(std::span<const Ballot> ballots, int64_t classes, MergedBlock& merged) {
  std::vector<float> sums;
  for (size_t i = 0; i < merged.predicted.size(); ++i) {
    const auto votes = std::span(merged.logits).subspan(i * size_t(classes), size_t(classes));
    for (const Ballot& one : ballots) votes[size_t(one.predicted[i])] += 1;
    merged.predicted[i] = decide(ballots, i, votes, sums);
    for (float& share : votes) share /= float(ballots.size());
  }
}

// Unsigned integers in the order of the floats: 0 and -0 are equal, NaN is -inf.
uint32_t order_of(float value) {
  if (std::isnan(value)) value = -std::numeric_limits<float>::infinity();
  const auto bits = std::bit_cast<uint32_t>(value + 0.0f);
  return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

// Twice the ranks, so that those of ties are whole numbers. `keys` is scratch.
void add_doubled_ranks(std::span<const float> row,
                       std::vector<uint64_t>& keys,
                       std::span<int64_t> ranks) {
  keys.resize(row.size());
  for (size_t k = 0; k < row.size(); ++k) keys[k] = uint64_t(order_of(row[k])) << 32 | k;
  std::sort(keys.begin(), keys.end());
  for (size_t begin = 0, end = 0; begin < keys.size(); begin = end) {
    while (end < keys.size() && keys[end] >> 32 == keys[begin] >> 32) ++end;
    // Ranks begin + 1 .. end; twice their mean.
    for (size_t i = begin; i < end; ++i) ranks[uint32_t(keys[i])] += int64_t(begin + 1 + end);
  }
}

void merge_ranks(std::span<const Ballot> ballots, int64_t classes, MergedBlock& merged) {
  std::vector<uint64_t> keys;
  std::vector<int64_t> ranks;
  const auto all = double(ballots.size()) * double(classes) * double(classes + 1);
  for (size_t i = 0; i < merged.predicted.size(); ++i) {
    const size_t at = i * size_t(classes);
    ranks.assign(size_t(classes), 0);
    for (const Ballot& one : ballots) {
      add_doubled_ranks(one.logits.subspan(at, size_t(classes)), keys, ranks);
    }
    merged.predicted[i] = std::max_element(ranks.begin(), ranks.end()) - ranks.begin();
    for (size_t k = 0; k < size_t(classes); ++k) {
      merged.logits[at + k] = float(double(ranks[k]) / all);
    }
  }
}

}  // namespace

const char* name_of(VoteRule rule) { return kNames[size_t(rule)]; }

VoteRule vote_rule(const std::string& name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return VoteRule(i);
  }
  throw config_error("the rule of the vote",
                     util::quoted(name) + " is none",
                     "choose hard, soft, weighted or rank-average");
}

void merge_votes(VoteRule rule,
                 std::span<const Ballot> ballots,
                 int64_t classes,
                 MergedBlock& merged) {
  check(!ballots.empty() && classes > 0, "a vote has members and classes");
  const size_t values = ballots[0].logits.size(), samples = values / size_t(classes);
  double total = 0;
  for (const Ballot& one : ballots) {
    check(one.logits.size() == values && samples * size_t(classes) == values &&
              (rule != VoteRule::kHard || one.predicted.size() == samples) && one.temperature > 0 &&
              one.weight >= 0,
          "members of a vote say something of each sample");
    total += one.weight;
  }
  check(rule != VoteRule::kWeighted || total > 0, "a member of a vote has a weight");
  merged.logits.assign(values, 0);
  merged.predicted.resize(samples);
  if (rule == VoteRule::kHard) {
    merge_hard(ballots, classes, merged);
  } else if (rule == VoteRule::kRankAverage) {
    merge_ranks(ballots, classes, merged);
  } else {
    add_probabilities(rule, ballots, classes, merged);
    for (size_t i = 0; i < samples; ++i) {
      const auto row = std::span(merged.logits).subspan(i * size_t(classes), size_t(classes));
      merged.predicted[i] = largest_of_row(row);
    }
  }
  log_of(merged.logits);
}

}  // namespace dtrain::predictions
