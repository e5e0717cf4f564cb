// How the views of a sample become one prediction.
#include "inference/view_merge.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace dtrain::inference {
namespace {

// (1, V, K)
at::Tensor views_of(std::initializer_list<std::vector<float>> rows) {
  std::vector<at::Tensor> views;
  for (const auto& row : rows) views.push_back(at::tensor(row));
  return at::stack(views).unsqueeze(0);
}

std::vector<double> shares(const MergedViews& merged) {
  const at::Tensor p = at::softmax(merged.logits.to(at::kDouble), 1).contiguous();
  return {p.const_data_ptr<double>(), p.const_data_ptr<double>() + p.numel()};
}

TEST(ViewMerge, OneViewStaysAsItIs) {
  const at::Tensor logits = at::randn({5, 1, 3});
  for (const auto merge : {ViewMerge::kProbabilities, ViewMerge::kLogits, ViewMerge::kVote}) {
    EXPECT_TRUE(at::equal(merge_views(logits, merge).logits, logits.select(1, 0)));
  }
}

TEST(ViewMerge, ProbabilitiesAndLogitsAreAveraged) {
  const at::Tensor logits =
      views_of({{0, std::log(3.0F)}, {0, 0}});  // probabilities (1/4, 3/4) and (1/2, 1/2)
  const auto probabilities = shares(merge_views(logits, ViewMerge::kProbabilities));
  EXPECT_NEAR(probabilities[1], 0.625, 1e-7);
  const auto mean = merge_views(logits, ViewMerge::kLogits);
  EXPECT_NEAR(mean.logits[0][1].item<float>(), std::log(3.0F) / 2, 1e-7);
  EXPECT_EQ(mean.predicted.item<int64_t>(), 1);
}

TEST(ViewMerge, VotesTieByProbabilityThenByTheLowestClass) {
  const auto two_one = merge_views(views_of({{9, 0, 0}, {0, 1, 0}, {0, 1, 0}}), ViewMerge::kVote);
  EXPECT_EQ(two_one.predicted.item<int64_t>(), 1);  // though class 0 has more probability
  EXPECT_NEAR(shares(two_one)[1], 2.0 / 3, 1e-6);
  EXPECT_EQ(shares(two_one)[2], 0);
  const auto tie = merge_views(views_of({{0, 1, 0}, {0, 0, 2}}), ViewMerge::kVote);
  EXPECT_EQ(tie.predicted.item<int64_t>(), 2);
  const auto equal = merge_views(views_of({{0, 0, 1}, {0, 1, 0}}), ViewMerge::kVote);
  EXPECT_EQ(equal.predicted.item<int64_t>(), 1);
}

TEST(ViewMerge, ASampleDoesNotDependOnItsBatch) {
  const at::Tensor logits = at::randn({64, 10, 100});
  for (const auto merge : {ViewMerge::kProbabilities, ViewMerge::kLogits, ViewMerge::kVote}) {
    const at::Tensor all = merge_views(logits, merge).logits;
    for (const int64_t i : {0, 7, 63}) {
      EXPECT_TRUE(at::equal(merge_views(logits.narrow(0, i, 1), merge).logits[0], all[i]));
    }
  }
}

}  // namespace
}  // namespace dtrain::inference
