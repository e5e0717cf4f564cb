// Minimises a smooth function of a few variables: L-BFGS with a line search for the strong Wolfe
// conditions, in double precision. Nocedal & Wright, "Numerical Optimization" (2nd edition),
// algorithms 7.4 and 7.5 (direction), 3.5 and 3.6 (step).
//
//   const auto result = minimise(
//       [](std::span<const double> x, std::span<double> gradient) {
//         gradient[0] = 2 * (x[0] - 3);
//         return (x[0] - 3) * (x[0] - 3);
//       },
//       {0.0});
//   result.x[0];  // 3
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace dtrain::predictions {

// The value at x; writes the gradient, as long as x. A value or gradient that is not finite says
// that x is too far out: the search turns back towards where it came from.
using SmoothFunction = std::function<double(std::span<const double> x, std::span<double> gradient)>;

struct LbfgsOptions {
  int64_t max_iterations = 200;
  int64_t history = 10;               // pairs of steps and gradient changes that are kept
  double gradient_tolerance = 1e-10;  // converged: no component of the gradient is larger
};

struct LbfgsResult {
  std::vector<double> x;
  double value = 0;
  double gradient_norm = 0;  // largest component, absolute
  int64_t iterations = 0;
  int64_t evaluations = 0;
  bool converged = false;  // the gradient is within the tolerance
};

// Starts at `start`, which is not empty. The result is never worse than the start but by rounding
// of the value; where the start itself is not finite, it is the start, not converged. The same
// calls in the same order on any machine with the same arithmetic.
LbfgsResult minimise(const SmoothFunction& function,
                     std::vector<double> start,
                     const LbfgsOptions& options = {});

}  // namespace dtrain::predictions
