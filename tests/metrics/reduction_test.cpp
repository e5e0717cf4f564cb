// Metrics over ranks: the values of all samples, on every rank, whoever has how many of them.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "metrics/metric_set.h"
#include "tests/support/evaluation_metrics.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/mpi_main.h"
#include "tests/support/tensor_matchers.h"

namespace dtrain::metrics {
namespace {

struct Output {
  at::Tensor loss_sum, logits, targets;
};

// Samples [begin, end) of a fixed set of fifty; the loss is the sum over them.
Output output_of(int64_t begin, int64_t end) {
  const at::Tensor logits = testing::formula("logits", {50, 10}).slice(0, begin, end);
  const at::Tensor targets = testing::targets_of(50, 10).slice(0, begin, end);
  return {at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum), logits, targets};
}

// One share a rank, but the last rank takes none and rank 0 two.
void update_with_my_share(MetricSet& metrics) {
  const int64_t rank = testing::world().rank(), ranks = testing::world().size();
  const auto boundary = [&](int64_t share) { return share * 50 / ranks; };
  if (ranks == 1 || rank + 1 < ranks) {
    metrics.update(output_of(boundary(rank), boundary(rank + 1)));
  }
  if (ranks > 1 && rank == 0) {
    metrics.update(output_of(boundary(ranks - 1), 50));
  }
}

TEST(MetricSet, GivesEveryRankTheValuesOfAllSamplesThoughOneHasNone) {
  const Output all = output_of(0, 50);
  MetricSet metrics = testing::usual_metrics(10);
  update_with_my_share(metrics);
  const auto values = metrics.reduced(testing::world());
  ASSERT_EQ(values.size(), 3U);
  EXPECT_NEAR(values.at("loss"), all.loss_sum.item<double>() / 50, 1e-14);
  const at::Tensor best = std::get<1>(all.logits.topk(5, 1)).eq(all.targets.unsqueeze(1));
  EXPECT_DOUBLE_EQ(values.at("top1"), 2.0 * best.select(1, 0).sum().item<double>());
  EXPECT_DOUBLE_EQ(values.at("top5"), 2.0 * best.sum().item<double>());
}

TEST(MetricSet, CanBeReducedAgainWithoutCountingTwice) {
  MetricSet metrics = testing::usual_metrics(10);
  update_with_my_share(metrics);
  const auto before = metrics.state();
  const auto values = metrics.reduced(testing::world());
  EXPECT_EQ(metrics.reduced(testing::world()), values);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(testing::bit_equal(metrics.state()[i].second, before[i].second));
  }
}

TEST(MetricSet, HasNoValueWhenNoRankSawASample) {
  const MetricSet metrics = testing::usual_metrics(10);
  for (const auto& [name, value] : metrics.reduced(testing::world())) {
    EXPECT_TRUE(std::isnan(value)) << name;
  }
}

}  // namespace
}  // namespace dtrain::metrics
