// Scores of predictions, against scikit-learn, NumPy and SciPy (tests/golden/make_scores.py).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "metrics/calibration_error.h"
#include "metrics/confusion_matrix.h"
#include "metrics/probability_scores.h"
#include "metrics/significance.h"

namespace dtrain::metrics {
namespace {

using Json = nlohmann::json;

Json golden(const char* part) {
  std::ifstream in(DTRAIN_SOURCE_DIR "/tests/golden/scores.json");
  return Json::parse(in).at(part);
}

struct Case {
  explicit Case(const Json& c) : classes(c.at("classes")), targets(c.at("targets")) {
    for (const Json& value : c.at("logits")) {
      logits.push_back(value.is_null() ? -std::numeric_limits<float>::infinity()
                                       : value.get<float>());
    }
  }
  std::span<const float> row(size_t i) const {
    return std::span(logits).subspan(i * size_t(classes), size_t(classes));
  }
  int64_t classes;
  std::vector<int64_t> targets;
  std::vector<float> logits;
};

void expect_bins(const std::vector<ReliabilityBin>& bins, const Json& expected) {
  ASSERT_EQ(bins.size(), expected.size());
  for (size_t b = 0; b < bins.size(); ++b) {
    EXPECT_EQ(bins[b].count, expected[b][0].get<int64_t>()) << "bin " << b;
    EXPECT_NEAR(bins[b].confidence, expected[b][1].get<double>(), 1e-12) << "bin " << b;
    EXPECT_NEAR(bins[b].accuracy, expected[b][2].get<double>(), 1e-12) << "bin " << b;
  }
}

TEST(Scores, AreThoseOfTheReferences) {
  for (const Json& c : golden("cases")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Case data(c);
    ProbabilityScores scores;
    for (size_t i = 0; i < data.targets.size(); ++i) {
      scores.add(data.row(i), c.at("temperature"), data.targets[i]);
    }
    if (c.at("nll").is_null()) {
      EXPECT_EQ(scores.nll(), std::numeric_limits<double>::infinity());
    } else {
      EXPECT_NEAR(scores.nll(), c.at("nll").get<double>(), 1e-12);
    }
    EXPECT_NEAR(scores.brier(), c.at("brier").get<double>(), 1e-12);
    EXPECT_NEAR(scores.top1(), c.at("top1").get<double>(), 1e-12);
    EXPECT_NEAR(scores.top5(), c.at("top5").get<double>(), 1e-12);
    const auto width = equal_width_bins(scores.confidences());
    const auto mass = equal_mass_bins(scores.confidences());
    expect_bins(width, c.at("width"));
    expect_bins(mass, c.at("mass"));
    EXPECT_NEAR(calibration_error(width), c.at("ece").get<double>(), 1e-12);
    EXPECT_NEAR(calibration_error(mass), c.at("adaptive_ece").get<double>(), 1e-12);
  }
}

TEST(ConfusionMatrix, GivesScikitLearnsScores) {
  for (const Json& c : golden("cases")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Case data(c);
    ConfusionMatrix matrix(data.classes);
    for (size_t i = 0; i < data.targets.size(); ++i) {
      const auto row = data.row(i);
      matrix.add(data.targets[i], std::max_element(row.begin(), row.end()) - row.begin());
    }
    EXPECT_NEAR(matrix.accuracy(), c.at("top1").get<double>(), 1e-12);
    for (int64_t k = 0; k < data.classes; ++k) {
      const ClassScores scores = matrix.of_class(k);
      EXPECT_EQ(scores.support, c.at("support")[size_t(k)].get<int64_t>());
      EXPECT_NEAR(scores.precision, c.at("precision")[size_t(k)].get<double>(), 1e-12);
      EXPECT_NEAR(scores.recall, c.at("recall")[size_t(k)].get<double>(), 1e-12);
      EXPECT_NEAR(scores.f1, c.at("f1")[size_t(k)].get<double>(), 1e-12);
    }
    for (const bool macro : {true, false}) {
      const ClassScores mean = macro ? matrix.macro() : matrix.weighted();
      const Json& expected = c.at(macro ? "macro" : "weighted");
      EXPECT_NEAR(mean.precision, expected[0].get<double>(), 1e-12);
      EXPECT_NEAR(mean.recall, expected[1].get<double>(), 1e-12);
      EXPECT_NEAR(mean.f1, expected[2].get<double>(), 1e-12);
    }
  }
}

TEST(Scores, OfNothingAreNoNumbers) {
  EXPECT_TRUE(std::isnan(ProbabilityScores().nll()));
  EXPECT_TRUE(std::isnan(calibration_error(equal_width_bins({}))));
  EXPECT_TRUE(std::isnan(calibration_error(equal_mass_bins({}))));
  EXPECT_TRUE(std::isnan(ConfusionMatrix(2).accuracy()));
}

TEST(McNemar, IsSciPysBinomialAndChiSquaredTest) {
  for (const Json& c : golden("mcnemar")) {
    const McNemarResult result = mcnemar(c.at("only_a"), c.at("only_b"));
    const double expected = c.at("p");
    EXPECT_NEAR(result.p_value, expected, 1e-12 + 1e-9 * expected);
    EXPECT_NEAR(result.p_value / expected, 1, 1e-9);
    EXPECT_EQ(result.is_exact, c.at("exact").get<bool>());
  }
}

// NumPy's 200,000 draws of the same multinomial; quantiles lie on a grid of 1/1000.
TEST(Bootstrap, HasTheQuantilesOfTheMultinomialDistribution) {
  const Json expected = golden("bootstrap");
  const Json& c = expected.at("counts");
  const Interval accuracy =
      accuracy_interval(c.at("both").get<int64_t>() + c.at("only_a").get<int64_t>(), 1000);
  EXPECT_NEAR(accuracy.low, expected.at("accuracy")[0].get<double>(), 0.0011);
  EXPECT_NEAR(accuracy.high, expected.at("accuracy")[1].get<double>(), 0.0011);
  const PairCounts counts{c.at("both"), c.at("only_a"), c.at("only_b"), c.at("none")};
  const Interval difference = difference_interval(counts);
  EXPECT_NEAR(difference.low, expected.at("difference")[0].get<double>(), 0.0021);
  EXPECT_NEAR(difference.high, expected.at("difference")[1].get<double>(), 0.0021);
}

TEST(Bootstrap, DependsOnTheSeedAlone) {
  const PairCounts counts{70, 6, 9, 15};
  const Interval one = difference_interval(counts, {.resamples = 500, .seed = 3});
  const Interval same = difference_interval(counts, {.resamples = 500, .seed = 3});
  EXPECT_EQ(one.low, same.low);
  EXPECT_EQ(one.high, same.high);
}

TEST(Bootstrap, OfClassifiersThatDoNotDifferIsZero) {
  const Interval none = difference_interval({80, 0, 0, 20});
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 0);
  EXPECT_TRUE(std::isnan(difference_interval({}).low));
  const Interval all = accuracy_interval(5, 5);
  EXPECT_EQ(all.low, 1);
  EXPECT_EQ(all.high, 1);
}

}  // namespace
}  // namespace dtrain::metrics
