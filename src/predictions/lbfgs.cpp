// L-BFGS: the direction from the last steps, the step from a line search.
#include "predictions/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "util/check.h"

namespace dtrain::predictions {
namespace {

// Nocedal & Wright's values for quasi-Newton directions.
constexpr double kSufficientDecrease = 1e-4, kCurvature = 0.9;
constexpr int kMaxLineEvaluations = 60;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest_component(std::span<const double> v) {
  double largest = 0;
  for (const double x : v) {
    if (!(std::abs(x) <= largest)) largest = std::abs(x);  // NaN is kept
  }
  return largest;
}

struct Point {
  std::vector<double> x, gradient;
  double value = 0;
};

class Evaluator {
 public:
  explicit Evaluator(const SmoothFunction& function) : function_(function) {}

  Point at(std::vector<double> x) {
    ++count_;
    Point point{std::move(x), {}, 0};
    point.gradient.resize(point.x.size());
    point.value = function_(point.x, point.gradient);
    if (!std::isfinite(largest_component(point.gradient)) || std::isnan(point.value)) {
      point.value = std::numeric_limits<double>::infinity();
    }
    return point;
  }
  int64_t count() const { return count_; }

 private:
  const SmoothFunction& function_;
  int64_t count_ = 0;
};

// The last steps s and changes of the gradient y; algorithm 7.4.
class History {
 public:
  explicit History(int64_t length) : length_(size_t(length)) {}

  bool empty() const { return pairs_.empty(); }
  void clear() { pairs_.clear(); }

  void add(const Point& from, const Point& to) {
    Pair pair;
    for (size_t i = 0; i < from.x.size(); ++i) {
      pair.s.push_back(to.x[i] - from.x[i]);
      pair.y.push_back(to.gradient[i] - from.gradient[i]);
    }
    const double sy = dot(pair.s, pair.y);
    // Rounding can spoil the curvature that the line search promises.
    if (!(sy > kEpsilon * std::sqrt(dot(pair.s, pair.s) * dot(pair.y, pair.y)))) return;
    pair.rho = 1 / sy;
    pairs_.push_back(std::move(pair));
    if (pairs_.size() > length_) pairs_.pop_front();
  }

  // -H g
  std::vector<double> direction(std::span<const double> gradient) const {
    std::vector<double> q(gradient.begin(), gradient.end());
    std::vector<double> alpha(pairs_.size());
    for (size_t k = pairs_.size(); k-- > 0;) {
      alpha[k] = pairs_[k].rho * dot(pairs_[k].s, q);
      add_scaled(q, -alpha[k], pairs_[k].y);
    }
    if (!pairs_.empty()) {
      const Pair& last = pairs_.back();
      for (double& v : q) v /= last.rho * dot(last.y, last.y);
    }
    for (size_t k = 0; k < pairs_.size(); ++k) {
      add_scaled(q, alpha[k] - pairs_[k].rho * dot(pairs_[k].y, q), pairs_[k].s);
    }
    for (double& v : q) v = -v;
    return q;
  }

 private:
  struct Pair {
    std::vector<double> s, y;
    double rho = 0;
  };
  static void add_scaled(std::vector<double>& to, double factor, const std::vector<double>& from) {
    for (size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
  }

  size_t length_;
  std::deque<Pair> pairs_;
};

// The function along a line, and the search for a step on it.
class LineSearch {
 public:
  LineSearch(Evaluator& evaluator, const Point& from, std::span<const double> direction)
      : evaluator_(evaluator), from_(from), direction_(direction) {
    start_ = {0, from.value, dot(from.gradient, direction), from};
  }

  // Algorithm 3.5: doubles the step until it brackets acceptable ones. Nothing where rounding hides
  // all progress.
  std::optional<Point> search(double first_step) {
    Step previous = start_;
    double length = first_step;
    while (evaluations_ < kMaxLineEvaluations) {
      Step now = at(length);
      if (!decreases(now) || (previous.length > 0 && now.value() >= previous.value())) {
        return zoom(std::move(previous), std::move(now));
      }
      if (flat(now)) return std::move(now.point);
      if (now.slope >= 0) return zoom(std::move(now), std::move(previous));
      previous = std::move(now);
      length *= 2;
    }
    return better(previous);
  }

 private:
  struct Step {
    double length = 0, height = 0, slope = 0;
    Point point;
    double value() const { return height; }
  };

  Step at(double length) {
    ++evaluations_;
    std::vector<double> x = from_.x;
    for (size_t i = 0; i < x.size(); ++i) x[i] += length * direction_[i];
    Step step;
    step.length = length;
    step.point = evaluator_.at(std::move(x));
    step.height = step.point.value;
    step.slope = dot(step.point.gradient, direction_);
    return step;
  }

  // Close to the minimum the decrease is smaller than the value's rounding, while the gradient
  // still tells.
  bool decreases(const Step& step) const {
    const double rounding = 4 * kEpsilon * std::abs(start_.height);
    return step.height <=
           start_.height + kSufficientDecrease * step.length * start_.slope + rounding;
  }
  bool flat(const Step& step) const { return std::abs(step.slope) <= -kCurvature * start_.slope; }

  // Algorithm 3.6. `low` satisfies the decrease and is the lowest so far, and points at `high`.
  std::optional<Point> zoom(Step low, Step high) {
    while (evaluations_ < kMaxLineEvaluations) {
      const double length = between(low, high);
      if (length == low.length || length == high.length) break;
      Step now = at(length);
      if (!decreases(now) || now.height > low.height + 4 * kEpsilon * std::abs(low.height)) {
        high = std::move(now);
        continue;
      }
      if (flat(now)) return std::move(now.point);
      if (now.slope * (high.length - low.length) >= 0) high = std::move(low);
      low = std::move(now);
    }
    return better(low);
  }

  // The minimum of the cubic through both (equation 3.59), kept off the ends so that the bracket
  // shrinks; the middle where a height is not finite.
  static double between(const Step& low, const Step& high) {
    const double width = high.length - low.length;
    const double middle = low.length + width / 2;
    if (!std::isfinite(high.height)) return low.length + width / 10;
    const double d1 = low.slope + high.slope - 3 * (low.height - high.height) / -width;
    const double square = d1 * d1 - low.slope * high.slope;
    if (!(square >= 0)) return middle;
    const double d2 = std::copysign(std::sqrt(square), width);
    const double length =
        high.length - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2);
    if (!std::isfinite(length)) return middle;
    const double inner = low.length + width / 10, outer = high.length - width / 10;
    return std::clamp(length, std::min(inner, outer), std::max(inner, outer));
  }

  std::optional<Point> better(Step& step) const {
    if (step.height < start_.height) return std::move(step.point);
    return std::nullopt;
  }

  Evaluator& evaluator_;
  const Point& from_;
  std::span<const double> direction_;
  Step start_;
  int evaluations_ = 0;
};

}  // namespace

LbfgsResult minimise(const SmoothFunction& function,
                     std::vector<double> start,
                     const LbfgsOptions& options) {
  check(!start.empty() && options.history > 0, "a function of some variables, and a history");
  Evaluator evaluator(function);
  Point now = evaluator.at(std::move(start));
  History history(options.history);
  LbfgsResult result;
  const auto done = [&] {
    result.gradient_norm = largest_component(now.gradient);
    return !std::isfinite(now.value) || result.gradient_norm <= options.gradient_tolerance;
  };
  while (!done() && result.iterations < options.max_iterations) {
    std::vector<double> direction = history.direction(now.gradient);
    if (!(dot(direction, now.gradient) < 0)) {
      history.clear();
      direction = history.direction(now.gradient);
    }
    // A gradient says nothing of the scale, so the first step is of length 1 at most.
    const double first =
        history.empty() ? std::min(1.0, 1 / std::sqrt(dot(now.gradient, now.gradient))) : 1.0;
    std::optional<Point> next = LineSearch(evaluator, now, direction).search(first);
    if (!next && history.empty()) break;
    ++result.iterations;
    if (!next) {
      history.clear();
      continue;
    }
    history.add(now, *next);
    now = std::move(*next);
  }
  result.converged = done() && std::isfinite(now.value);
  result.x = std::move(now.x);
  result.value = now.value;
  result.evaluations = evaluator.count();
  return result;
}

}  // namespace dtrain::predictions
