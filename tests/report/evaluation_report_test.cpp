// Evaluations in words.
#include "report/evaluation_report.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/report/printed.h"
#include "tests/support/mentions.h"

namespace dtrain::report {
namespace {

using dtrain::testing::mentions;
using dtrain::testing::printed;
using predictions::Comparison;
using predictions::Evaluation;

// Class k is taken for the next one wrong(k) times of ten.
template <class Wrong>
Evaluation evaluation(int64_t classes, const Wrong& wrong) {
  Evaluation evaluation{.header = {},
                        .samples = 10 * classes,
                        .labelled = 10 * classes,
                        .confusion = metrics::ConfusionMatrix(classes),
                        .bins = {},
                        .hardest = {}};
  evaluation.header.dataset = "pictures/test";
  evaluation.header.model = "resnet18";
  evaluation.header.method = "mean of logits over views";
  for (int64_t k = 0; k < classes; ++k) {
    evaluation.header.class_names.push_back("class " + std::to_string(k));
    for (int64_t i = 0; i < 10; ++i) {
      evaluation.confusion.add(k, i < wrong(k) ? (k + 1) % classes : k);
    }
  }
  evaluation.top1 = evaluation.top5 = evaluation.confusion.accuracy();
  return evaluation;
}

TEST(EvaluationReport, NamesTheNetworkItsViewsAndItsTemperature) {
  Evaluation plain = evaluation(2, [](int64_t) { return 1; });
  EXPECT_EQ(source_text(plain), "resnet18, mean of logits over views, not calibrated");
  plain.header.checkpoint = "run/step-9";
  plain.header.views = {"identity", "flip"};
  plain.header.temperature = 1.5;
  EXPECT_TRUE(mentions(
      source_text(plain),
      {"resnet18 run/step-9", "mean of logits over views, 2 views", "temperature 1.5000"}));
}

TEST(EvaluationReport, HasTheIntervalOfTheAccuracyAloneBesideIt) {
  const Cells cells = measure_cells(evaluation(2, [](int64_t k) { return k; }));
  ASSERT_EQ(cells.rows.size(), 6U);
  EXPECT_EQ(cells.rows[0][0], "accuracy, %");
  EXPECT_EQ(cells.rows[0][1], "95.000");
  EXPECT_TRUE(mentions(cells.rows[0][2], {"95 % interval 8", " to 100.000"}));
  EXPECT_EQ(cells.rows[1].size(), 2U);
}

TEST(EvaluationReport, OfManyClassesShowsThoseOfTheLowestF1AndSaysSo) {
  const Evaluation many = evaluation(50, [](int64_t k) { return k >= 20 && k < 25 ? 9 : 0; });
  const Cells cells = class_cells(many);
  EXPECT_EQ(cells.body, 40U);
  ASSERT_EQ(cells.rows.size(), 42U);
  // All but one of the classes from 20 on are taken for the next, so that 25 has false alarms.
  std::vector<std::string> lowest;
  for (size_t i = 0; i < 6; ++i) lowest.push_back(cells.rows[i][0]);
  std::sort(lowest.begin(), lowest.end());
  EXPECT_EQ(lowest,
            (std::vector<std::string>{
                "class 20", "class 21", "class 22", "class 23", "class 24", "class 25"}));
  EXPECT_EQ(cells.rows[40][0], "mean of classes");
  EXPECT_EQ(cells.rows[41][4], "500");
  EXPECT_TRUE(mentions(printed([&](auto& log) { log_evaluation(many, log); }),
                       {"The 40 of 50 classes with the lowest F1"}));
}

TEST(EvaluationReport, ListsTheMostFrequentConfusionsFirst) {
  const Cells cells = confused_cells(evaluation(20, [](int64_t k) { return k % 7; }));
  ASSERT_EQ(cells.rows.size(), 10U);
  EXPECT_EQ(cells.rows[0], (std::vector<std::string>{"class 6", "class 7", "6", "60.0"}));
  EXPECT_EQ(cells.rows[1][0], "class 13");
  EXPECT_EQ(cells.rows[2], (std::vector<std::string>{"class 5", "class 6", "5", "50.0"}));
}

TEST(EvaluationReport, SaysNothingOfConfusionsWhereThereAreNone) {
  const std::string text =
      printed([](auto& log) { log_evaluation(evaluation(3, [](int64_t) { return 0; }), log); });
  EXPECT_TRUE(mentions(text, {"30 of 30 samples of pictures/test have a target"}));
  EXPECT_EQ(text.find("taken for"), std::string::npos) << text;
}

TEST(ComparisonReport, SubtractsLeftFromRightAndListsTheFirstSamples) {
  const Evaluation left = evaluation(2, [](int64_t) { return 2; }),
                   right = evaluation(2, [](int64_t) { return 1; });
  Comparison comparison{.samples = 20, .labelled = 20, .counts = {15, 1, 3, 1}, .differing = {}};
  for (int64_t i = 0; i < 25; ++i) {
    comparison.differing.push_back({i, 100 + i, i == 0 ? -1 : 0, 0, 1, std::to_string(i) + ".png"});
  }
  const std::string text =
      printed([&](auto& log) { log_comparison(left, right, comparison, log); });
  EXPECT_TRUE(mentions(text,
                       {"left:  resnet18",
                        "accuracy, %         80.000   90.000  +10.000",
                        "Right less left: +10.000 points",
                        "right alone: 1 and 3",
                        "25 of 20 samples differ, of which the first 20:",
                        "100  -        class 0  class 1  0.png",
                        "119  class 0  class 0  class 1  19.png"}));
  EXPECT_EQ(text.find("20.png"), std::string::npos);
}

TEST(ComparisonReport, OfTheSameHasNoTableOfSamples) {
  const Evaluation one = evaluation(2, [](int64_t) { return 2; });
  const Comparison comparison{
      .samples = 20, .labelled = 20, .counts = {16, 0, 0, 4}, .differing = {}};
  const std::string text = printed([&](auto& log) { log_comparison(one, one, comparison, log); });
  EXPECT_TRUE(mentions(text, {"+0.000 points", "0 of 20 samples differ\n"}));
  EXPECT_EQ(text.find("target"), std::string::npos) << text;
}

}  // namespace
}  // namespace dtrain::report
