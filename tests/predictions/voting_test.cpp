// Votes in memory beside numpy and scipy (tests/golden/make_votes.py), and what the kernels
// promise.
#include "predictions/voting.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "predictions/predictions.h"
#include "predictions/softmax_kernels.h"
#include "tests/support/mentions.h"
#include "util/check.h"
#include "util/hash.h"

namespace dtrain::predictions {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> floats_of(const nlohmann::json& json) {
  std::vector<float> values;
  for (const auto& one : json) values.push_back(one.is_null() ? -kInfinity : one.get<float>());
  return values;
}

struct Case {
  std::vector<float> logits;
  std::vector<std::vector<int64_t>> predicted;
  std::vector<Ballot> ballots;
  int64_t classes = 0;

  explicit Case(const nlohmann::json& json)
      : logits(floats_of(json["logits"])), classes(json["classes"].get<int64_t>()) {
    const auto members = json["members"].get<size_t>();
    const size_t size = logits.size() / members, row = size_t(classes);
    predicted.resize(members);
    for (size_t m = 0; m < members; ++m) {
      const auto mine = std::span<const float>(logits).subspan(m * size, size);
      for (size_t at = 0; at < size; at += row) {
        predicted[m].push_back(largest(mine.subspan(at, row)));
      }
      ballots.push_back({mine,
                         predicted[m],
                         json["temperatures"][m].get<double>(),
                         json["weights"][m].get<double>()});
    }
  }
};

TEST(Voting, IsThatOfNumpyAndScipy) {
  std::ifstream in(std::string(DTRAIN_SOURCE_DIR) + "/tests/golden/votes.json");
  size_t cases = 0;
  for (const auto& json : nlohmann::json::parse(in)) {
    const Case one(json);
    for (const auto& [rule, expected] : json["rules"].items()) {
      SCOPED_TRACE(json["name"].get<std::string>() + ", " + rule);
      MergedBlock merged;
      merge_votes(vote_rule(rule), one.ballots, one.classes, merged);
      EXPECT_EQ(merged.predicted, expected["predicted"].get<std::vector<int64_t>>());
      const std::vector<float> logits = floats_of(expected["logits"]);
      ASSERT_EQ(merged.logits.size(), logits.size());
      for (size_t i = 0; i < logits.size(); ++i) {
        // Probabilities below float's normal numbers are zero here.
        if (logits[i] < -87.3F) {
          EXPECT_LT(merged.logits[i], -86) << i;
        } else {
          EXPECT_NEAR(merged.logits[i], logits[i], 2e-6 * std::max(1.0F, -logits[i])) << i;
        }
      }
      ++cases;
    }
  }
  EXPECT_EQ(cases, 38U);
}

TEST(Voting, DoesNotDependOnTheBlocks) {
  constexpr int64_t kSamples = 50, kClasses = 37;
  std::vector<float> a, b;
  for (int64_t i = 0; i < kSamples * kClasses; ++i) {
    a.push_back(float(std::sin(double(i) * 0.7) * 5));
    b.push_back(float(std::cos(double(i) * 1.3) * 5));
  }
  const std::vector<Ballot> all{{a, {}, 1.5, 1}, {b, {}, 0.7, 3}};
  MergedBlock whole, part;
  merge_votes(VoteRule::kWeighted, all, kClasses, whole);
  for (size_t i = 0; i < kSamples; ++i) {
    const std::vector<Ballot> one{{std::span(a).subspan(i * kClasses, kClasses), {}, 1.5, 1},
                                  {std::span(b).subspan(i * kClasses, kClasses), {}, 0.7, 3}};
    merge_votes(VoteRule::kWeighted, one, kClasses, part);
    EXPECT_EQ(part.predicted[0], whole.predicted[i]);
    for (size_t k = 0; k < kClasses; ++k) {
      EXPECT_EQ(part.logits[k], whole.logits[i * kClasses + k]);
    }
  }
}

TEST(Voting, OnlyTheWeightedVoteReadsWeights) {
  const std::vector<float> a{2, 0}, b{0, 1};
  MergedBlock merged;
  const std::vector<Ballot> ballots{{a, {}, 1, 0}, {b, {}, 1, 1}};
  merge_votes(VoteRule::kSoft, ballots, 2, merged);
  EXPECT_EQ(merged.predicted[0], 0);
  merge_votes(VoteRule::kWeighted, ballots, 2, merged);
  EXPECT_EQ(merged.predicted[0], 1);
}

TEST(Voting, RulesHaveNames) {
  for (const char* name : {"hard", "soft", "weighted", "rank-average"}) {
    EXPECT_STREQ(name_of(vote_rule(name)), name);
  }
  try {
    vote_rule("softest");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kConfig);
    EXPECT_TRUE(dtrain::testing::mentions(error.what(), {"softest", "rank-average"}));
  }
}

TEST(AddSoftmax, GivesInfiniteLogitsEqualSharesAndNaNNothing) {
  const std::vector<float> logits{
      -kInfinity, -kInfinity, kInfinity, kInfinity, kNaN, 0, kNaN, kNaN, kNaN, 1};
  std::vector<float> sums(10, 0);
  add_softmax(logits, 2, 1, 1, sums);
  EXPECT_EQ(sums, (std::vector<float>{0.5, 0.5, 0.5, 0.5, 0, 1, 0.5, 0.5, 0, 1}));
}

TEST(ExpOf, IsWithinTwoInTenMillion) {
  double worst = 0;
  for (double x = -87.33; x <= 88; x += 0.00037) {
    float value = float(x);
    const double expected = std::exp(double(value));
    exp_of({&value, 1});
    worst = std::max(worst, std::abs(value - expected) / expected);
  }
  EXPECT_LT(worst, 2e-7);
  std::vector<float> values{0, -88, -1e30F, -kInfinity, kNaN};
  exp_of(values);
  EXPECT_EQ(values, (std::vector<float>{1, 0, 0, 0, 0}));
}

TEST(LogOf, IsWithinTwoInTenMillion) {
  double worst = 0;
  for (double x = 1.2e-38; x < 3e38; x *= 1.0003) {
    float value = float(x);
    const double expected = std::log(double(value));
    log_of({&value, 1});
    worst = std::max(worst, std::abs(value - expected) / std::max(1.0, std::abs(expected)));
  }
  EXPECT_LT(worst, 2e-7);
  std::vector<float> values{1, 0, -1, 1e-40F, kNaN};
  log_of(values);
  EXPECT_EQ(values, (std::vector<float>{0, -kInfinity, -kInfinity, -kInfinity, -kInfinity}));
}

// Note [The same bits on every machine]: one scalar recipe, written out as its kernel rounds.
TEST(AddSoftmax, SumsSixteenLanesInAFixedOrder) {
  constexpr size_t kClasses = 45;
  std::vector<float> logits(kClasses), terms(48, 0), sums(kClasses, 0);
  for (size_t k = 0; k < kClasses; ++k) logits[k] = float(std::sin(double(k) * 0.9) * 4);
  const float top = logits[size_t(largest(logits))];
  for (size_t k = 0; k < kClasses; ++k) terms[k] = (logits[k] - top) * 0.75F;
  exp_of(std::span(terms).first(kClasses));
  float lanes[16] = {};
  for (size_t k = 0; k < terms.size(); ++k) lanes[k % 16] += terms[k];
  for (size_t j = 0; j < 8; ++j) lanes[j] += lanes[j + 8];
  const float sum = ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
                    ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  add_softmax(logits, kClasses, 0.75F, 0.5F, sums);
  for (size_t k = 0; k < kClasses; ++k) EXPECT_EQ(sums[k], terms[k] * (0.5F / sum)) << k;
}

// The plain build has vectors for AVX2 and AVX-512, those with sanitizers have none: all find this.
TEST(AddSoftmax, HasTheSameBitsOnEveryMachine) {
  constexpr int64_t kRows = 64, kClasses = 109;
  std::vector<float> logits, sums(kRows * kClasses, 0);
  for (int64_t i = 0; i < kRows * kClasses; ++i) logits.push_back(float(i * 7919 % 1009) / 32);
  add_softmax(logits, kClasses, 0.7F, 0.3F, sums);
  log_of(sums);
  EXPECT_EQ(util::hash_hex(sums.data(), sums.size() * sizeof(float)),
            "cdba02d6b3eee20444c43635300c6301");
}

TEST(LargestOfRow, IsTheLowestOfEquals) {
  std::vector<float> row(40, 1);
  EXPECT_EQ(largest_of_row(row), 0);
  row[18] = row[35] = 2;
  EXPECT_EQ(largest_of_row(row), 18);
  row[39] = 3;
  EXPECT_EQ(largest_of_row(row), 39);
}

}  // namespace
}  // namespace dtrain::predictions
