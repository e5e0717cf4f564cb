// Metrics on one rank: values, ties, empty batches, state.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "metrics/accuracy.h"
#include "metrics/mean.h"
#include "metrics/metric_set.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/golden.h"
#include "tests/support/tensor_matchers.h"

namespace dtrain::metrics {
namespace {

using testing::GoldenJson;

struct Output {
  at::Tensor loss_sum, logits, targets;
};

Output output_of(int64_t batch, int64_t classes, const std::string& name = "logits") {
  return {at::scalar_tensor(0.5 * double(batch)),
          testing::formula(name, {batch, classes}),
          testing::targets_of(batch, classes)};
}

void update(Metric& metric, const Output& out) {
  metric.update(out.loss_sum, out.logits, out.targets);
}

TEST(Accuracy, CountsAsTorchvisionsReference) {
  const GoldenJson golden = testing::golden("tasks.json");
  const int64_t batch = golden.at("batch");
  for (const GoldenJson& c : golden.at("accuracy")) {
    Accuracy accuracy(c.at("k").get<int64_t>());
    update(accuracy, output_of(batch, c.at("classes")));
    EXPECT_EQ(accuracy.sums()[0].item<double>(), c.at("correct").get<double>()) << c;
    EXPECT_EQ(accuracy.sums()[1].item<double>(), static_cast<double>(batch)) << c;
  }
}

TEST(Accuracy, DoesNotDependOnHowSamplesAreCutIntoBatches) {
  const Output whole = output_of(40, 10);
  Accuracy one(5), many(5);
  update(one, whole);
  for (int64_t start = 0, size = 1; start < 40; start += size, ++size) {
    const int64_t length = std::min(size, 40 - start);
    update(many,
           {whole.loss_sum,
            whole.logits.narrow(0, start, length),
            whole.targets.narrow(0, start, length)});
  }
  EXPECT_TRUE(testing::bit_equal(many.sums(), one.sums()));
}

TEST(Accuracy, TakesAllClassesWhenKIsLarger) {
  Accuracy top5(5);
  update(top5, output_of(8, 3));
  EXPECT_EQ(top5.compute(top5.sums()), 100.0);
}

TEST(Accuracy, GivesNoCreditForNanOrConstantLogits) {
  for (const double value : {0.0, std::numeric_limits<double>::quiet_NaN()}) {
    Accuracy top1(1);
    update(top1, {at::scalar_tensor(0.5), at::full({10, 10}, value), at::arange(10, at::kLong)});
    EXPECT_EQ(top1.compute(top1.sums()), 10.0) << value;
  }
}

TEST(MeanLoss, WeighsBatchesByTheirSamples) {
  MeanLoss mean;
  mean.update(at::scalar_tensor(3.0), {}, at::zeros({3}, at::kLong));
  mean.update(at::scalar_tensor(5.0), {}, at::zeros({1}, at::kLong));
  EXPECT_EQ(mean.compute(mean.sums()), 2.0);
}

TEST(MeanLoss, KeepsDigitsThatFloatSumsWouldLose) {
  MeanLoss mean;
  for (int i = 0; i < 20000; ++i) {
    mean.update(at::scalar_tensor(100.1F), {}, at::zeros({1000}, at::kLong));
  }
  EXPECT_NEAR(mean.compute(mean.sums()), static_cast<double>(100.1F) / 1000, 1e-12);
}

TEST(MeanLoss, HoldsNoGraph) {
  MeanLoss mean;
  const at::Tensor loss = at::ones({}).requires_grad_() * 2.0;
  mean.update(loss, {}, at::zeros({1}, at::kLong));
  EXPECT_FALSE(mean.sums().requires_grad());
}

TEST(Metric, IgnoresEmptyBatchesAndHasNoValueWithoutSamples) {
  MeanLoss mean;
  Accuracy top1(1);
  for (Metric* metric : std::initializer_list<Metric*>{&mean, &top1}) {
    EXPECT_TRUE(std::isnan(metric->compute(metric->sums())));
    update(*metric, output_of(0, 10));
    EXPECT_TRUE(std::isnan(metric->compute(metric->sums())));
    update(*metric, output_of(4, 10));
    update(*metric, output_of(0, 10));
    EXPECT_FALSE(std::isnan(metric->compute(metric->sums())));
    metric->reset();
    EXPECT_TRUE(std::isnan(metric->compute(metric->sums())));
  }
}

TEST(MetricSet, ContinuesFromSavedSums) {
  MetricSet one, two;
  one.update(output_of(9, 10, "a"));
  two.set_sums(one.sums());
  one.update(output_of(5, 10, "b"));
  two.update(output_of(5, 10, "b"));
  EXPECT_TRUE(testing::bit_equal(two.sums(), one.sums()));
  EXPECT_EQ(one.sums().sizes(), at::IntArrayRef({3, 2}));
}

TEST(MetricSet, GivesSumsThatLaterUpdatesDoNotChange) {
  MetricSet metrics;
  metrics.update(output_of(9, 10));
  const at::Tensor saved = metrics.sums(), copy = saved.clone();
  metrics.update(output_of(9, 10));
  metrics.reset();
  EXPECT_TRUE(testing::bit_equal(saved, copy));
}

}  // namespace
}  // namespace dtrain::metrics
