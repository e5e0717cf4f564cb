// Metrics on one rank: values, ties, empty batches, state.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "metrics/accuracy.h"
#include "metrics/confusion_matrix.h"
#include "metrics/metric_set.h"
#include "metrics/probability_scores.h"
#include "metrics/registry.h"
#include "predictions/predictions.h"
#include "tests/support/evaluation_metrics.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/golden.h"
#include "tests/support/mentions.h"
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

// A metric with sums of its own.
class Counted {
 public:
  explicit Counted(std::unique_ptr<Metric> metric)
      : metric_(std::move(metric)), sums_(at::zeros({metric_->width()}, at::kDouble)) {}
  void update(const Output& out) {
    metric_->update({out.loss_sum, out.logits, out.targets}, sums_);
  }
  Values values() const {
    Values values;
    metric_->values({sums_.const_data_ptr<double>(), size_t(sums_.numel())}, values);
    return values;
  }
  double value() const { return values().at(metric_->name()); }
  const at::Tensor& sums() const { return sums_; }

 private:
  std::unique_ptr<Metric> metric_;
  at::Tensor sums_;
};

Counted counted(const std::string& name, int64_t classes = 10) {
  return Counted(make_metric(name, classes, "metrics"));
}

TEST(Accuracy, CountsAsTorchvisionsReference) {
  const GoldenJson golden = testing::golden("tasks.json");
  const int64_t batch = golden.at("batch");
  for (const GoldenJson& c : golden.at("accuracy")) {
    Counted accuracy(std::make_unique<Accuracy>(c.at("k").get<int64_t>()));
    accuracy.update(output_of(batch, c.at("classes")));
    EXPECT_EQ(accuracy.sums()[0].item<double>(), c.at("correct").get<double>()) << c;
    EXPECT_EQ(accuracy.sums()[1].item<double>(), static_cast<double>(batch)) << c;
  }
}

// Each of the metrics adds up over batches, so that ranks and batch sizes do not matter.
TEST(Metrics, DoNotDependOnHowSamplesAreCutIntoBatches) {
  for (const std::string& name : metric_names()) {
    const Output whole = output_of(40, 10);
    Counted one = counted(name), many = counted(name);
    one.update(whole);
    for (int64_t start = 0, size = 1; start < 40; start += size, ++size) {
      const int64_t length = std::min(size, 40 - start);
      many.update({whole.loss_sum * (double(length) / 40),
                   whole.logits.narrow(0, start, length),
                   whole.targets.narrow(0, start, length)});
    }
    EXPECT_TRUE(testing::all_close(many.sums(), one.sums(), {.absolute = 1e-12})) << name;
  }
}

TEST(Accuracy, TakesAllClassesWhenKIsLarger) {
  Counted top5 = counted("top5");
  top5.update(output_of(8, 3));
  EXPECT_EQ(top5.value(), 100.0);
}

TEST(Accuracy, GivesNoCreditForNanOrConstantLogits) {
  for (const double value : {0.0, std::numeric_limits<double>::quiet_NaN()}) {
    Counted top1 = counted("top1");
    top1.update({at::scalar_tensor(0.5), at::full({10, 10}, value), at::arange(10, at::kLong)});
    EXPECT_EQ(top1.value(), 10.0) << value;
  }
}

// Training, `evaluate` and votes take the lowest class among equals, and NaN for the least.
TEST(Metrics, OrderEqualsAndNanAsPredictionsDo) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = INFINITY;
  const at::Tensor logits = at::tensor({1.0F,
                                        3.0F,
                                        3.0F,
                                        0.0F,  //
                                        nan,
                                        2.0F,
                                        2.0F,
                                        2.0F,  //
                                        nan,
                                        nan,
                                        nan,
                                        nan,  //
                                        inf,
                                        inf,
                                        -inf,
                                        nan})
                                .view({4, 4});
  for (int64_t target = 0; target < 4; ++target) {
    const at::Tensor targets = at::full({4}, target, at::kLong);
    const at::Tensor ranks = ranks_of_targets(logits, targets);
    for (int64_t row = 0; row < 4; ++row) {
      const at::Tensor values = logits[row].contiguous();
      const int64_t best = predictions::largest({values.const_data_ptr<float>(), 4});
      EXPECT_EQ(ranks[row].item<int64_t>() == 0, best == target) << row << " " << target;
    }
  }
}

TEST(MeanLoss, WeighsBatchesByTheirSamples) {
  Counted mean = counted("loss");
  mean.update({at::scalar_tensor(3.0), {}, at::zeros({3}, at::kLong)});
  mean.update({at::scalar_tensor(5.0), {}, at::zeros({1}, at::kLong)});
  EXPECT_EQ(mean.value(), 2.0);
}

TEST(MeanLoss, KeepsDigitsThatFloatSumsWouldLose) {
  Counted mean = counted("loss");
  for (int i = 0; i < 20000; ++i) {
    mean.update({at::scalar_tensor(100.1F), {}, at::zeros({1000}, at::kLong)});
  }
  EXPECT_NEAR(mean.value(), static_cast<double>(100.1F) / 1000, 1e-12);
}

TEST(MeanLoss, HoldsNoGraph) {
  Counted mean = counted("loss");
  const at::Tensor loss = at::ones({}).requires_grad_() * 2.0;
  mean.update({loss, {}, at::zeros({1}, at::kLong)});
  EXPECT_FALSE(mean.sums().requires_grad());
}

// The same numbers as `dtrain evaluate` computes from single samples.
TEST(Metrics, AgreeWithTheScoresOfPredictions) {
  const int64_t classes = 7, samples = 60;
  Output out = output_of(samples, classes);
  out.targets = at::arange(samples, at::kLong).remainder(classes);
  ProbabilityScores scores;
  ConfusionMatrix matrix(classes);
  const at::Tensor logits = (3 * out.logits).to(at::kFloat).contiguous();
  for (int64_t i = 0; i < samples; ++i) {
    const std::span<const float> row(logits[i].const_data_ptr<float>(), size_t(classes));
    const auto target = out.targets[i].item<int64_t>();
    scores.add(row, 1.0, target);
    matrix.add(target, predictions::largest(row));
  }
  const auto value = [&](const std::string& name) {
    Counted metric = counted(name, classes);
    metric.update({out.loss_sum, logits, out.targets});
    return metric.values();
  };
  EXPECT_NEAR(value("log_loss").at("log_loss"), scores.nll(), 1e-9);
  EXPECT_NEAR(
      value("ece").at("ece"), calibration_error(equal_width_bins(scores.confidences())), 1e-9);
  EXPECT_NEAR(value("top1").at("top1"), 100 * scores.top1(), 1e-9);
  EXPECT_NEAR(value("top5").at("top5"), 100 * scores.top5(), 1e-9);
  EXPECT_NEAR(value("macro_f1").at("macro_f1"), 100 * matrix.macro().f1, 1e-9);
  double recalls = 0;
  for (int64_t k = 0; k < classes; ++k) {
    const double recall = 100 * matrix.of_class(k).recall;
    EXPECT_NEAR(value("recall").at("recall/" + std::to_string(k)), recall, 1e-9);
    recalls += recall;
  }
  EXPECT_NEAR(value("balanced_accuracy").at("balanced_accuracy"), recalls / classes, 1e-9);
}

TEST(BalancedAccuracy, LeavesOutClassesThatDoNotOccur) {
  Counted balanced = counted("balanced_accuracy", 3), recall = counted("recall", 3);
  const Output out{at::scalar_tensor(0.0),
                   at::tensor({1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0}).view({3, 3}),
                   at::tensor({0, 1, 1}, at::kLong)};
  balanced.update(out);
  recall.update(out);
  EXPECT_DOUBLE_EQ(balanced.value(), 75.0);
  EXPECT_DOUBLE_EQ(recall.values().at("recall/1"), 50.0);
  EXPECT_TRUE(std::isnan(recall.values().at("recall/2")));
}

TEST(Metrics, HaveNoValueWithoutSamples) {
  for (const std::string& name : metric_names()) {
    for (const auto& [key, value] : counted(name).values()) EXPECT_TRUE(std::isnan(value)) << key;
  }
}

// A network that diverged is evaluated too: losses are not numbers, counts stay counts.
TEST(Metrics, TakeLogitsThatAreNotFinite) {
  Output out = output_of(12, 10);
  out.logits[3].fill_(std::numeric_limits<double>::quiet_NaN());
  out.logits[4][1] = INFINITY;
  for (const std::string& name : metric_names()) {
    Counted metric = counted(name);
    metric.update(out);
    for (const auto& [key, value] : metric.values()) {
      const bool counts =
          name.starts_with("top") || name == "balanced_accuracy" || name == "macro_f1";
      if (counts) {
        EXPECT_TRUE(std::isfinite(value)) << key;
      }
    }
  }
}

TEST(Metrics, RefuseNamesThatAreNotInTheTable) {
  try {
    make_metric("balanced_acuracy", 10, "train.metrics");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kConfig);
    EXPECT_TRUE(
        testing::mentions(error.what(), {"train.metrics", "did you mean balanced_accuracy"}))
        << error.what();
  }
  EXPECT_FALSE(more_is_better("log_loss"));
  EXPECT_TRUE(more_is_better("recall/3"));
}

// --- sets ----------------------------------------------------------------------------------------

// A metric that nothing but this test knows: one class, and a place in a list.
class ShareOfClassZero : public Metric {
 public:
  std::string name() const override { return "class_zero"; }
  int64_t width() const override { return 2; }
  void update(const Seen& seen, const at::Tensor& sums) const override {
    sums[0].add_(seen.targets.eq(0).sum());
    sums[1].add_(double(seen.targets.size(0)));
  }
  void values(std::span<const double> sums, Values& out) const override {
    out[name()] = ratio(sums);
  }
};

MetricSet with_a_metric_of_ones_own() {
  std::vector<std::unique_ptr<Metric>> metrics;
  metrics.push_back(make_metric("top1", 10, "metrics"));
  metrics.push_back(std::make_unique<ShareOfClassZero>());
  return MetricSet(std::move(metrics));
}

TEST(MetricSet, ContinuesFromSavedSums) {
  MetricSet one = with_a_metric_of_ones_own(), two = with_a_metric_of_ones_own();
  EXPECT_EQ(one.value_names(), (std::vector<std::string>{"class_zero", "top1"}));
  one.update(output_of(9, 10, "a"));
  two.load(one.state());
  one.update(output_of(5, 10, "b"));
  two.update(output_of(5, 10, "b"));
  const auto left = one.state(), right = two.state();
  ASSERT_EQ(left.size(), 2U);
  for (size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].first, right[i].first);
    EXPECT_TRUE(testing::bit_equal(left[i].second, right[i].second));
  }
}

TEST(MetricSet, IgnoresEmptyBatches) {
  MetricSet metrics = testing::usual_metrics(10);
  metrics.update(output_of(4, 10));
  const auto before = metrics.state();
  metrics.update(output_of(0, 10));
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(testing::bit_equal(metrics.state()[i].second, before[i].second));
  }
}

TEST(MetricSet, GivesSumsThatLaterUpdatesDoNotChange) {
  MetricSet metrics = testing::usual_metrics(10);
  metrics.update(output_of(9, 10));
  const auto saved = metrics.state();
  const at::Tensor copy = saved[1].second.clone();
  metrics.update(output_of(9, 10));
  metrics.reset();
  EXPECT_TRUE(testing::bit_equal(saved[1].second, copy));
}

}  // namespace
}  // namespace dtrain::metrics
