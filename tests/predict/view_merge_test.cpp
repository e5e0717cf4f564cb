// How the views of a sample become one prediction, beside numpy and scipy
// (tests/golden/make_views.py).
#include "predict/view_merge.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/golden.h"

namespace dtrain::predict {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr ViewMerge kAll[] = {ViewMerge::kProbabilities, ViewMerge::kLogits, ViewMerge::kVote};

std::vector<int64_t> classes_of(const at::Tensor& predicted) {
  return {predicted.const_data_ptr<int64_t>(),
          predicted.const_data_ptr<int64_t>() + predicted.numel()};
}

at::Tensor logits_of(const testing::GoldenJson& json) {
  std::vector<float> values;
  for (const auto& one : json["logits"]) {
    values.push_back(one.is_null() ? -kInfinity : one.get<float>());
  }
  return at::tensor(values).view({json["samples"].get<int64_t>(),
                                  json["views"].get<int64_t>(),
                                  json["classes"].get<int64_t>()});
}

TEST(ViewMerge, IsThatOfNumpyAndScipy) {
  size_t compared = 0;
  for (const auto& json : testing::golden("views.json")) {
    const at::Tensor logits = logits_of(json);
    for (const auto& [rule, expected] : json["merges"].items()) {
      SCOPED_TRACE(json["name"].get<std::string>() + ", " + rule);
      const MergedViews merged = merge_views(logits, parse_view_merge(rule));
      EXPECT_EQ(classes_of(merged.predicted), expected["predicted"].get<std::vector<int64_t>>());
      ASSERT_EQ(merged.logits.scalar_type(), at::kFloat);
      const at::Tensor shares = at::softmax(merged.logits.to(at::kDouble), 1).contiguous();
      const auto probabilities = expected["probabilities"].get<std::vector<double>>();
      ASSERT_EQ(size_t(shares.numel()), probabilities.size());
      for (size_t i = 0; i < probabilities.size(); ++i) {
        const double share = shares.const_data_ptr<double>()[i], truth = probabilities[i];
        // float32 holds a logit to 2^-24 of it, and so a probability to that part of its logarithm.
        const double tolerance = truth > 0 ? 2e-7 * truth * (1 - std::log(truth)) : 0;
        EXPECT_NEAR(share, truth, tolerance) << i;
      }
      ++compared;
    }
  }
  EXPECT_EQ(compared, 33U);
}

TEST(ViewMerge, OneViewStaysAsItIs) {
  const at::Tensor logits = at::randn({5, 1, 3});
  for (const auto merge : kAll) {
    EXPECT_TRUE(at::equal(merge_views(logits, merge).logits, logits.select(1, 0)));
  }
}

TEST(ViewMerge, ASampleDoesNotDependOnItsBatch) {
  const at::Tensor logits = at::randn({64, 10, 100});
  for (const auto merge : kAll) {
    const at::Tensor all = merge_views(logits, merge).logits;
    for (const int64_t i : {0, 7, 63}) {
      EXPECT_TRUE(at::equal(merge_views(logits.narrow(0, i, 1), merge).logits[0], all[i]));
    }
  }
}

// Who reads a file of predictions takes the largest logit of it, the lowest class of equals.
TEST(ViewMerge, TheClassOfAMeanIsThatOfTheLargestLogitKept) {
  const float above = std::nextafter(1.0F, 2.0F);
  const at::Tensor logits = at::tensor({0.0F, 1.0F, 1.0F, 0.0F, 1.0F, 1.0F, 0.0F, 1.0F, above});
  for (const auto merge : {ViewMerge::kProbabilities, ViewMerge::kLogits}) {
    const MergedViews merged = merge_views(logits.view({1, 3, 3}), merge);
    EXPECT_EQ(classes_of(merged.predicted), classes_of(merged.logits.argmax(1)));
  }
}

TEST(ViewMerge, NaNNeverWins) {
  const at::Tensor one = at::tensor({kNaN, 1.0F, 2.0F, 3.0F, kNaN, 0.0F}).view({2, 1, 3});
  const at::Tensor two = at::cat({one, one}, 1);
  for (const auto merge : kAll) {
    EXPECT_EQ(classes_of(merge_views(one, merge).predicted), (std::vector<int64_t>{2, 0}));
  }
  for (const auto merge : {ViewMerge::kLogits, ViewMerge::kVote}) {
    EXPECT_EQ(classes_of(merge_views(two, merge).predicted), (std::vector<int64_t>{2, 0}));
  }
}

TEST(ViewMerge, VotesOfOtherViewsCountWhereOneIsBroken) {
  for (const float broken : {kInfinity, -kInfinity, kNaN}) {
    const at::Tensor logits =
        at::tensor({broken, broken, broken, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F, 1.0F});
    const MergedViews merged = merge_views(logits.view({1, 3, 3}), ViewMerge::kVote);
    EXPECT_EQ(classes_of(merged.predicted), (std::vector<int64_t>{2})) << broken;
  }
}

}  // namespace
}  // namespace dtrain::predict
