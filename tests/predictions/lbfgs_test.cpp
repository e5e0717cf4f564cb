// Minima that are known in closed form.
#include "predictions/lbfgs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace dtrain::predictions {
namespace {

using Vector = std::span<const double>;

double rosenbrock(Vector x, std::span<double> gradient) {
  double value = 0;
  for (double& g : gradient) g = 0;
  for (size_t i = 0; i + 1 < x.size(); ++i) {
    const double valley = x[i + 1] - x[i] * x[i], rest = 1 - x[i];
    value += 100 * valley * valley + rest * rest;
    gradient[i] += -400 * valley * x[i] - 2 * rest;
    gradient[i + 1] += 200 * valley;
  }
  return value;
}

TEST(Lbfgs, FindsTheMinimumOfACurvedValley) {
  std::vector<std::vector<double>> starts{{-1.2, 1}, std::vector<double>(20, 0.0)};
  for (const auto& start : starts) {
    const LbfgsResult result = minimise(rosenbrock, start);
    EXPECT_TRUE(result.converged);
    EXPECT_LE(result.gradient_norm, 1e-10);
    for (const double x : result.x) EXPECT_NEAR(x, 1, 1e-9);
    EXPECT_LT(result.evaluations, 400);
  }
}

TEST(Lbfgs, ScalesThatDifferByAMillionAreNoObstacle) {
  const auto result = minimise(
      [](Vector x, std::span<double> gradient) {
        double value = 0;
        for (size_t i = 0; i < x.size(); ++i) {
          const double scale = std::pow(1e3, double(i) - 1), d = x[i] - double(i);
          gradient[i] = 2 * scale * d;
          value += scale * d * d;
        }
        return value;
      },
      {50, 50, 50});
  EXPECT_TRUE(result.converged);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(result.x[i], double(i), 1e-6);
}

// Rounding of a large value hides the decrease long before the gradient is small.
TEST(Lbfgs, ConvergesWhereTheValueIsLargeAndFlat) {
  const auto result = minimise(
      [](Vector x, std::span<double> gradient) {
        gradient[0] = std::sinh(x[0] - 2);
        return 1000 + std::cosh(x[0] - 2);
      },
      {-3});
  EXPECT_TRUE(result.converged);
  EXPECT_NEAR(result.x[0], 2, 1e-9);
}

TEST(Lbfgs, TurnsBackWhereTheFunctionEnds) {
  // log-barrier: not defined for x <= 0; the first step would overshoot.
  const auto result = minimise(
      [](Vector x, std::span<double> gradient) {
        gradient[0] = 100 - 1 / x[0];
        return x[0] > 0 ? 100 * x[0] - std::log(x[0]) : std::numeric_limits<double>::quiet_NaN();
      },
      {1});
  EXPECT_TRUE(result.converged);
  EXPECT_NEAR(result.x[0], 0.01, 1e-9);
}

TEST(Lbfgs, SaysThatAFunctionWithoutAMinimumDidNotConverge) {
  const auto falling = [](Vector x, std::span<double> gradient) {
    gradient[0] = -1;
    return -x[0];
  };
  const auto result = minimise(falling, {0}, {.max_iterations = 5});
  EXPECT_FALSE(result.converged);
  EXPECT_LT(result.value, 0);
}

TEST(Lbfgs, AStartThatIsNotFiniteComesBack) {
  const auto result = minimise(
      [](Vector, std::span<double> gradient) {
        gradient[0] = 1;
        return std::numeric_limits<double>::infinity();
      },
      {4});
  EXPECT_FALSE(result.converged);
  EXPECT_EQ(result.x, std::vector<double>{4});
  EXPECT_EQ(result.evaluations, 1);
}

TEST(Lbfgs, TheMinimumItselfTakesOneEvaluation) {
  const auto result = minimise(rosenbrock, {1, 1});
  EXPECT_TRUE(result.converged);
  EXPECT_EQ(result.iterations, 0);
  EXPECT_EQ(result.evaluations, 1);
}

TEST(Lbfgs, AWrongGradientEndsWithoutConvergence) {
  const auto result = minimise(
      [](Vector x, std::span<double> gradient) {
        gradient[0] = -2 * x[0];  // of the opposite sign
        return x[0] * x[0];
      },
      {1});
  EXPECT_FALSE(result.converged);
  EXPECT_EQ(result.value, 1);
}

}  // namespace
}  // namespace dtrain::predictions
