// What predictions are worth, against scikit-learn, NumPy and SciPy (tests/golden/make_scores.py).
#include "predictions/evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"

namespace dtrain::predictions {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::mentions;
using Json = nlohmann::json;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Samples with ids 0, 10, 20 ... and paths "0.png", "1.png" ...
struct Table {
  std::vector<int64_t> targets;
  std::vector<float> logits;
  std::vector<int64_t> predicted = {};
  double temperature = 1;
};

Json golden_cases() {
  std::ifstream in(DTRAIN_SOURCE_DIR "/tests/golden/scores.json");
  return Json::parse(in).at("cases");
}

Table table_of(const Json& c) {
  Table table{.targets = c.at("targets"), .logits = {}, .temperature = c.at("temperature")};
  for (const Json& value : c.at("logits")) {
    table.logits.push_back(value.is_null() ? -kInfinity : value.get<float>());
  }
  return table;
}

class EvaluationTest : public ::testing::Test {
 protected:
  fs::path write(const Table& table, const std::string& name = "predictions.h5") const {
    const auto n = int64_t(table.targets.size());
    PredictionsHeader header = dtrain::testing::header_of(int64_t(table.logits.size()) / n);
    header.temperature = table.temperature;
    PredictionsIndex index{
        .ids = {}, .targets = table.targets, .predicted = table.predicted, .paths = {}};
    for (int64_t i = 0; i < n; ++i) {
      index.ids.push_back(10 * i);
      index.paths.push_back(std::to_string(i) + ".png");
    }
    dtrain::testing::write_rows(folder_ / name, header, index, table.logits);
    return folder_ / name;
  }
  Evaluation evaluated(const Table& table, int64_t hardest = 32) const {
    return evaluate(PredictionsFile(write(table)), {.hardest = hardest});
  }
  dtrain::testing::TempFolder folder_;
};

void expect_classes(const metrics::ConfusionMatrix& matrix, const Json& c) {
  for (int64_t k = 0; k < matrix.classes(); ++k) {
    const metrics::ClassScores scores = matrix.of_class(k);
    EXPECT_EQ(scores.support, c.at("support")[size_t(k)].get<int64_t>());
    EXPECT_NEAR(scores.precision, c.at("precision")[size_t(k)].get<double>(), 1e-12);
    EXPECT_NEAR(scores.recall, c.at("recall")[size_t(k)].get<double>(), 1e-12);
    EXPECT_NEAR(scores.f1, c.at("f1")[size_t(k)].get<double>(), 1e-12);
  }
}

void expect_golden(const Evaluation& evaluation, const Json& c) {
  if (c.at("nll").is_null()) {
    EXPECT_EQ(evaluation.nll, std::numeric_limits<double>::infinity());
  } else {
    EXPECT_NEAR(evaluation.nll, c.at("nll").get<double>(), 1e-12);
  }
  EXPECT_NEAR(evaluation.top1, c.at("top1").get<double>(), 1e-12);
  EXPECT_NEAR(evaluation.top5, c.at("top5").get<double>(), 1e-12);
  EXPECT_NEAR(evaluation.brier, c.at("brier").get<double>(), 1e-12);
  EXPECT_NEAR(evaluation.ece, c.at("ece").get<double>(), 1e-12);
  EXPECT_NEAR(evaluation.adaptive_ece, c.at("adaptive_ece").get<double>(), 1e-12);
  EXPECT_NEAR(evaluation.confusion.macro().f1, c.at("macro")[2].get<double>(), 1e-12);
  EXPECT_NEAR(evaluation.confusion.weighted().f1, c.at("weighted")[2].get<double>(), 1e-12);
  expect_classes(evaluation.confusion, c);
  ASSERT_EQ(evaluation.bins.size(), c.at("width").size());
  for (size_t b = 0; b < evaluation.bins.size(); ++b) {
    EXPECT_EQ(evaluation.bins[b].count, c.at("width")[b][0].get<int64_t>()) << "bin " << b;
    EXPECT_NEAR(evaluation.bins[b].accuracy, c.at("width")[b][2].get<double>(), 1e-12);
  }
}

TEST_F(EvaluationTest, EqualsTheReferencesOnTheSameLogits) {
  for (const Json& c : golden_cases()) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Table table = table_of(c);
    const Evaluation evaluation = evaluated(table);
    EXPECT_EQ(evaluation.samples, int64_t(table.targets.size()));
    EXPECT_EQ(evaluation.labelled, evaluation.samples);
    EXPECT_EQ(evaluation.confusion.samples(), evaluation.samples);
    expect_golden(evaluation, c);
  }
}

TEST_F(EvaluationTest, SamplesWithoutATargetAreLeftOut) {
  const Json c = golden_cases().at(0);
  const Table all = table_of(c);
  const auto classes = std::ptrdiff_t(all.logits.size() / all.targets.size());
  Table mixed{.targets = {}, .logits = {}};
  for (size_t i = 0; i < all.targets.size(); ++i) {
    if (i % 3 == 0) {
      mixed.targets.push_back(-1);
      for (std::ptrdiff_t k = 0; k < classes; ++k) mixed.logits.push_back(k == 0 ? 50.0F : -50.0F);
    }
    mixed.targets.push_back(all.targets[i]);
    const auto row = all.logits.begin() + std::ptrdiff_t(i) * classes;
    mixed.logits.insert(mixed.logits.end(), row, row + classes);
  }
  const Evaluation evaluation = evaluated(mixed, 1000);
  EXPECT_EQ(evaluation.samples, int64_t(mixed.targets.size()));
  EXPECT_EQ(evaluation.labelled, int64_t(all.targets.size()));
  EXPECT_EQ(evaluation.hardest.size(), all.targets.size());
  EXPECT_TRUE(std::all_of(evaluation.hardest.begin(),
                          evaluation.hardest.end(),
                          [](const EvaluatedSample& one) { return one.target >= 0; }));
  expect_golden(evaluation, c);
}

TEST_F(EvaluationTest, NoSampleWithATargetIsRefusedByName) {
  const fs::path path = write({.targets = {-1, -1}, .logits = {1, 2, 3, 4}});
  EXPECT_TRUE(mentions(error_text([&] { evaluate(PredictionsFile(path)); }, ExitCode::kData),
                       {path.string(), "no sample has a target"}));
}

// Of two classes the target's probability falls with the other one's logit, so the order is that of
// whole numbers; seventy thousand rows are several blocks of the file.
TEST_F(EvaluationTest, HardestSamplesComeFirstAndOfEqualsTheOneThatStandsFirst) {
  constexpr int64_t kSamples = 70'000;
  Table table{.targets = std::vector<int64_t>(kSamples, 0), .logits = {}};
  std::vector<int64_t> other(kSamples);
  for (int64_t i = 0; i < kSamples; ++i) {
    other[size_t(i)] = i * 7919 % 1009 - 500;
    table.logits.insert(table.logits.end(), {0, float(other[size_t(i)]) / 16});
  }
  std::vector<int64_t> order(kSamples);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return other[size_t(a)] > other[size_t(b)];
  });
  const fs::path path = write(table);
  const PredictionsFile file(path);
  ASSERT_GT(kSamples, 2 * file.rows_per_chunk());
  for (const int64_t wanted : {int64_t{1}, int64_t{100}, kSamples, kSamples + 1}) {
    const Evaluation evaluation = evaluate(file, {.hardest = wanted});
    ASSERT_EQ(int64_t(evaluation.hardest.size()), std::min(wanted, kSamples));
    bool is_ordered = true;
    for (size_t i = 0; i < evaluation.hardest.size(); ++i) {
      is_ordered &= evaluation.hardest[i].row == order[i];
    }
    EXPECT_TRUE(is_ordered) << wanted;
  }
  const EvaluatedSample first = evaluate(file).hardest.front();
  EXPECT_EQ(first.id, 10 * first.row);
  EXPECT_EQ(first.path, std::to_string(first.row) + ".png");
  EXPECT_EQ(first.target, 0);
  EXPECT_EQ(first.predicted, 1);
  EXPECT_NEAR(first.probability, 1 / (1 + std::exp(508.0 / 16)), 1e-15);
  EXPECT_TRUE(evaluate(file, {.hardest = 0}).hardest.empty());
}

TEST_F(EvaluationTest, TargetsThatNeverHappenAreTheHardestInTheirOrder) {
  const Evaluation evaluation =
      evaluated({.targets = {0, 0, 0, 0}, .logits = {5, 0, -kInfinity, 1, 0, 3, -kInfinity, 0}});
  std::vector<int64_t> rows;
  for (const EvaluatedSample& one : evaluation.hardest) rows.push_back(one.row);
  EXPECT_EQ(rows, (std::vector<int64_t>{1, 3, 2, 0}));
  EXPECT_EQ(evaluation.hardest[0].probability, 0);
}

// As a network leaves them whose 16-bit numbers were too small.
TEST_F(EvaluationTest, LogitsThatOverflowedDoNotDisturbTheOrder) {
  Table table{.targets = std::vector<int64_t>(30, 0), .logits = {}};
  for (int i = 0; i < 30; ++i) {
    table.logits.insert(table.logits.end(), {i % 3 == 1 ? kInfinity : 0, float(i)});
  }
  const Evaluation evaluation = evaluated(table, 15);
  std::vector<int64_t> rows;
  for (const EvaluatedSample& one : evaluation.hardest) rows.push_back(one.row);
  EXPECT_EQ(rows, (std::vector<int64_t>{1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 29, 27, 26, 24, 23}));
}

TEST_F(EvaluationTest, TemperatureChangesProbabilitiesAndNoClass) {
  Table table = table_of(golden_cases().at(1));
  const Evaluation plain = evaluated(table);
  table.temperature = 2;
  const Evaluation divided = evaluated(table);
  for (float& logit : table.logits) logit /= 2;
  table.temperature = 1;
  const Evaluation by_hand = evaluated(table);
  EXPECT_EQ(divided.top1, plain.top1);
  EXPECT_EQ(divided.top5, plain.top5);
  EXPECT_EQ(divided.confusion.weighted().f1, plain.confusion.weighted().f1);
  EXPECT_NEAR(divided.nll, by_hand.nll, 1e-12);
  EXPECT_NEAR(divided.brier, by_hand.brier, 1e-12);
  EXPECT_NEAR(divided.ece, by_hand.ece, 1e-12);
  EXPECT_NEAR(divided.adaptive_ece, by_hand.adaptive_ece, 1e-12);
  EXPECT_NEAR(divided.hardest[0].probability, by_hand.hardest[0].probability, 1e-12);
  EXPECT_GT(std::abs(divided.nll - plain.nll), 0.01);
  EXPECT_GT(std::abs(divided.ece - plain.ece), 0.01);
}

TEST_F(EvaluationTest, ClassesThatAVoteDecidedOnCountAndNotTheLargestLogits) {
  Table table{.targets = {0, 1, 1}, .logits = {3, 0, 3, 0, 0, 3}};
  const Evaluation by_logits = evaluated(table);
  EXPECT_NEAR(by_logits.top1, 2.0 / 3, 1e-15);
  table.predicted = {1, 1, 1};
  const Evaluation voted = evaluated(table);
  EXPECT_NEAR(voted.top1, 2.0 / 3, 1e-15);
  EXPECT_EQ(voted.confusion.count(0, 1), 1);
  EXPECT_EQ(voted.confusion.count(1, 1), 2);
  EXPECT_EQ(voted.confusion.count(0, 0), 0);
  EXPECT_EQ(voted.hardest[0].row, 1);
  EXPECT_EQ(voted.hardest[0].predicted, 1);
  EXPECT_EQ(voted.nll, by_logits.nll);
  EXPECT_EQ(voted.ece, by_logits.ece);
}

TEST_F(EvaluationTest, ComparisonCountsWhoIsRightAloneAndListsWhatDiffers) {
  const std::vector<int64_t> targets = {0, 0, 0, 1, 1, -1, -1};
  const std::vector<float> logits(14, 0);
  const auto left =
      write({.targets = targets, .logits = logits, .predicted = {0, 0, 1, 1, 0, 0, 1}}, "left.h5");
  const auto right =
      write({.targets = targets, .logits = logits, .predicted = {0, 1, 0, 1, 0, 1, 1}}, "right.h5");
  const Comparison found = compare(left, right);
  EXPECT_EQ(found.samples, 7);
  EXPECT_EQ(found.labelled, 5);
  EXPECT_EQ(found.counts, (PairedCounts{2, 1, 1, 1}));
  ASSERT_EQ(found.differing.size(), 3U);
  const DifferingSample& last = found.differing[2];
  EXPECT_EQ(found.differing[0].row, 1);
  EXPECT_EQ(found.differing[1].row, 2);
  EXPECT_EQ(last.row, 5);
  EXPECT_EQ(last.id, 50);
  EXPECT_EQ(last.path, "5.png");
  EXPECT_EQ(last.target, -1);
  EXPECT_EQ(last.left, 0);
  EXPECT_EQ(last.right, 1);
  const Comparison same = compare(left, left);
  EXPECT_EQ(same.counts, (PairedCounts{3, 0, 0, 2}));
  EXPECT_TRUE(same.differing.empty());
}

TEST_F(EvaluationTest, FilesOfOtherSamplesAreNotCompared) {
  const Table table{.targets = {0, 1, 1}, .logits = std::vector<float>(6, 0)};
  const fs::path left = write(table, "left.h5"), right = folder_ / "right.h5";
  const PredictionsFile first(left);
  struct Case {
    std::function<void(PredictionsHeader&, PredictionsIndex&)> change;
    std::vector<std::string> words;
  };
  for (const Case& one :
       {Case{[](auto&, auto&index) { index.ids[1] = 11; }, {"id of sample 1", "10", "11"}},
        Case{[](auto&, auto&index) { index.targets[2] = 0; }, {"target", "id 20"}},
        Case{[](auto&header, auto&) { header.class_names[1] = "cat"; }, {"class 1", "cat"}},
        Case{[](auto&header, auto&) { header.data_fingerprint = "other"; },
             {"fingerprint", "other"}}}) {
    PredictionsHeader header = first.header();
    PredictionsIndex index = first.index();
    one.change(header, index);
    dtrain::testing::write_rows(right, header, index, table.logits);
    const std::string text =
        error_text([&] { compare(left.string(), right.string()); }, ExitCode::kData);
    EXPECT_TRUE(mentions(text, {left.string(), right.string(), "differs"}));
    EXPECT_TRUE(mentions(text, one.words));
    EXPECT_FALSE(text.starts_with("votes of ")) << "nobody asked for a vote: " << text;
  }
}

}  // namespace
}  // namespace dtrain::predictions
