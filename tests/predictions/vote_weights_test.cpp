// Weights of members from validation samples.
#include "predictions/vote_weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "predictions/predictions.h"
#include "tests/predictions/table.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::predictions {
namespace {

double nll_of(const std::vector<double>& probabilities, const std::vector<double>& weights) {
  double sum = 0;
  for (size_t i = 0; i < probabilities.size(); i += weights.size()) {
    double mixed = 0;
    for (size_t m = 0; m < weights.size(); ++m) mixed += weights[m] * probabilities[i + m];
    sum -= std::log(mixed);
  }
  return sum / (double(probabilities.size()) / double(weights.size()));
}

std::vector<double> drawn(size_t n, size_t members) {
  std::vector<double> probabilities;
  for (size_t i = 0; i < n * members; ++i) {
    const double wave = 0.5 + 0.49 * std::sin(double(i) * 1.37 + double(i * i % 97));
    probabilities.push_back(i % members == 2 ? 0.02 * wave : wave);
  }
  return probabilities;
}

TEST(FitWeights, NoOtherWeightsAreBetter) {
  const std::vector<double> probabilities = drawn(500, 3);
  const FittedWeights fitted = fit_weights(probabilities, 3);
  EXPECT_NEAR(fitted.nll, nll_of(probabilities, fitted.weights), 1e-12);
  EXPECT_LE(fitted.gap, kLargestWeightGap);
  EXPECT_LT(fitted.nll, fitted.uniform_nll);
  EXPECT_LT(fitted.weights[2], 1e-3);  // the member that is never sure
  double least = 1e9;
  for (int a = 0; a <= 200; ++a) {
    for (int b = 0; a + b <= 200; ++b) {
      least = std::min(least, nll_of(probabilities, {a / 200.0, b / 200.0, (200 - a - b) / 200.0}));
    }
  }
  EXPECT_LE(fitted.nll, least + 2 * kLargestWeightGap);
}

TEST(FitWeights, EqualMembersHaveEqualWeights) {
  std::vector<double> probabilities;
  for (int i = 0; i < 20; ++i) probabilities.insert(probabilities.end(), 4, 0.04 * (i + 1));
  for (const double weight : fit_weights(probabilities, 4).weights) {
    EXPECT_DOUBLE_EQ(weight, 0.25);
  }
}

TEST(FitWeights, AMemberIsNotRuledOutByAProbabilityOfZero) {
  const FittedWeights fitted =
      fit_weights(std::vector<double>{0, 0.5, 0.9, 0.1, 0.9, 0.1, 0, 0, 0.9, 0.1}, 2);
  EXPECT_GT(fitted.weights[0], 0.3);
  EXPECT_TRUE(std::isfinite(fitted.nll));
}

class WeightsOfFiles : public ::testing::Test {
 protected:
  // Three samples of two classes, the last without a target.
  std::filesystem::path write(const std::string& name,
                              const std::vector<float>& logits,
                              std::vector<int64_t> targets = {0, 1, -1}) {
    PredictionsIndex index = dtrain::testing::index_of(0, 3, 2);
    index.targets = std::move(targets);
    PredictionsWriter writer(folder_ / name, dtrain::testing::header_of(2), 3);
    writer.append(index, logits);
    writer.finish();
    return folder_ / name;
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(WeightsOfFiles, AreProportionalToTheAccuracy) {
  const auto right = write("a.h5", {1, 0, 0, 1, 1, 0}), half = write("b.h5", {1, 0, 1, 0, 1, 0});
  const std::vector<double> weights = accuracy_weights({right, half});
  EXPECT_DOUBLE_EQ(weights[0], 2.0 / 3);
  EXPECT_DOUBLE_EQ(weights[1], 1.0 / 3);
}

TEST_F(WeightsOfFiles, AreFittedToTheProbabilitiesOfTargets) {
  const auto a = write("a.h5", {2, 0, 1, 0, 5, 0}), b = write("b.h5", {0, 1, 0, 3, 0, 5});
  const auto p = [](double logit) { return 1 / (1 + std::exp(-logit)); };
  const FittedWeights fitted = fitted_weights({a, b});
  const FittedWeights expected = fit_weights(std::vector<double>{p(2), p(-1), p(-1), p(3)}, 2);
  EXPECT_NEAR(fitted.weights[0], expected.weights[0], 1e-9);
  EXPECT_NEAR(fitted.nll, expected.nll, 1e-9);
}

TEST_F(WeightsOfFiles, NeedTargets) {
  const auto path = write("a.h5", {1, 0, 0, 1, 1, 0}, {-1, -1, -1});
  for (const auto& find : {+[](const std::filesystem::path& p) { accuracy_weights({p}); },
                           +[](const std::filesystem::path& p) { fitted_weights({p}); }}) {
    try {
      find(path);
      FAIL() << "found";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace dtrain::predictions
