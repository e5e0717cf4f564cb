#include "predictions/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>

#include "metrics/probability_scores.h"
#include "predictions/lbfgs.h"
#include "util/random.h"
#include "util/text.h"

namespace dtrain::predictions {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr double kLowest = 0.01, kHighest = 100;
constexpr double kPrecision = 1e-6;  // of a temperature that is called the best, relative
constexpr int64_t kPiece = 1024;     // samples whose points are added up together
constexpr uint64_t kHalvesStream = 91;

// -log p(target) = log(sum exp(u z)) - u z_y, whose derivative is the mean of z under p less z_y.
NllPoint point_of(std::span<const float> logits, int64_t target, double u) {
  double top = -kUnbounded;
  for (const float logit : logits) top = std::max(top, double(logit));
  double sum = 0, weighted = 0;
  for (const float logit : logits) {
    const double below = double(logit) - top;
    const double share = std::exp(u * below);
    if (share == 0) continue;  // of -inf too
    sum += share;
    weighted += share * below;
  }
  const double own = double(logits[size_t(target)]) - top;
  return {std::log(sum) - u * own, weighted / sum - own};
}

// Means of the samples' points, added up in pieces of kPiece samples however they are read.
class PointMean {
 public:
  explicit PointMean(int64_t samples) : samples_(double(samples)) {}

  void add(const NllPoint& point) {
    piece_.nll += point.nll;
    piece_.slope += point.slope;
    if (++in_piece_ == kPiece) finish_piece();
  }
  NllPoint mean() {
    if (in_piece_ > 0) finish_piece();
    return mean_;
  }

 private:
  void finish_piece() {
    mean_.nll += piece_.nll / samples_;
    mean_.slope += piece_.slope / samples_;
    piece_ = {};
    in_piece_ = 0;
  }

  double samples_;
  NllPoint piece_, mean_;
  int64_t in_piece_ = 0;
};

NllPoint mean_point(const LabelledLogits& table, double u, int64_t threads) {
  PointMean mean(table.size());
  table.pass(
      threads,
      [&](LabelledBlock& block) {
        block.values.clear();
        for (int64_t i = 0; i < block.size(); ++i) {
          const NllPoint point = point_of(block.row(i), block.targets[size_t(i)], u);
          block.values.push_back(point.nll);
          block.values.push_back(point.slope);
        }
      },
      [&](const LabelledBlock& block) {
        for (size_t i = 0; i < block.values.size(); i += 2) {
          mean.add({block.values[i], block.values[i + 1]});
        }
      });
  return mean.mean();
}

// A curve that is asked for each point once, for it may be a pass over a large file.
class KnownCurve {
 public:
  explicit KnownCurve(const std::function<NllPoint(double u)>& curve) : curve_(curve) {}
  NllPoint at(double u) {
    const auto known = points_.find(u);
    return known != points_.end() ? known->second : points_.emplace(u, curve_(u)).first->second;
  }

 private:
  const std::function<NllPoint(double u)>& curve_;
  std::map<double, NllPoint> points_;
};

// Note [One minimum]
// The NLL is convex in u = 1 / temperature: its slope never falls. So it has a minimum inside the
// range only if the slope is below zero at one end and above zero at the other, and a temperature
// is the best if the slope changes its sign close to it. That is how an L-BFGS that finds nothing
// better is told from one that is lost: next to the minimum what there is to gain is less than the
// rounding of the NLL, while the slope is still known well.
std::string problem_of_ends(double slope_at_highest, double slope_at_lowest) {
  if (slope_at_highest < 0 && slope_at_lowest > 0) return "";
  return slope_at_highest < 0 ? "no temperature down to 0.01 is the best, as where all samples are "
                                "right; calibrate on more of them"
                              : "no temperature up to 100 is the best, as where predictions say "
                                "nothing of the targets; calibrate on "
                                "more samples";
}

bool is_minimum(KnownCurve& curve, double t) {
  return curve.at(std::exp(-(t - kPrecision))).slope >= 0 &&
         curve.at(std::exp(-(t + kPrecision))).slope <= 0;
}

}  // namespace

FittedTemperature fit_temperature(const std::function<NllPoint(double u)>& function) {
  KnownCurve curve(function);
  FittedTemperature fit;
  fit.nll_before = fit.nll_after = curve.at(1).nll;
  if (!std::isfinite(fit.nll_before)) {
    fit.problem = std::isnan(fit.nll_before) ? "a logit is not a number, or infinite"
                                             : "a target has probability zero, at any temperature";
    return fit;
  }
  const double hot = curve.at(1 / kHighest).slope, cold = curve.at(1 / kLowest).slope;
  if (hot == 0 && cold == 0) return fit;  // all temperatures are as good
  fit.problem = problem_of_ends(hot, cold);
  if (!fit.problem.empty()) return fit;
  const LbfgsResult result = minimise(
      [&](std::span<const double> t, std::span<double> gradient) {
        const double u = std::exp(-t[0]);
        const NllPoint point = curve.at(u);
        gradient[0] = -u * point.slope;  // by t
        return point.nll;
      },
      {0.0});
  fit.iterations = result.iterations;
  const double t = result.x[0], nll = curve.at(std::exp(-t)).nll;
  if (!result.converged && !is_minimum(curve, t)) {
    fit.problem = "the search did not converge in " + std::to_string(result.iterations) + " steps";
  } else if (nll <= fit.nll_before) {
    fit.temperature = std::exp(t);
    fit.nll_after = nll;
  } else if (std::abs(t) > kPrecision) {
    fit.problem = "the best temperature that was found makes the NLL no better";
  }
  return fit;
}

FittedTemperature fit_temperature(const LabelledLogits& table, int64_t threads) {
  if (table.size() == 0) return {.problem = "there are no samples"};
  FittedTemperature fit = fit_temperature([&](double u) { return mean_point(table, u, threads); });
  fit.samples = table.size();
  return fit;
}

CalibrationScores scores_of(const LabelledLogits& table, double temperature, int64_t threads) {
  metrics::ProbabilityScores scores;
  table.pass(
      threads,
      [](LabelledBlock&) {},
      [&](const LabelledBlock& block) {
        for (int64_t i = 0; i < block.size(); ++i) {
          scores.add(block.row(i), temperature, block.targets[size_t(i)]);
        }
      });
  CalibrationScores out;
  out.nll = scores.nll();
  out.brier = scores.brier();
  out.top1 = scores.top1();
  out.bins = metrics::equal_width_bins(scores.confidences());
  out.ece = metrics::calibration_error(out.bins);
  out.adaptive_ece = metrics::calibration_error(metrics::equal_mass_bins(scores.confidences()));
  return out;
}

namespace {

// Why a temperature is not worth keeping, by samples that it was not fitted on; empty: it is. The
// NLL is what was minimised, so that alone decides; ECE depends on bins, and is heard together with
// Brier.
std::string harm_of(const CalibrationScores& before, const CalibrationScores& after) {
  const auto change = [](const char* name, double left, double right) {
    return std::string(name) + " " + util::number(left, "%.4f", "inf") + " -> " +
           util::number(right, "%.4f", "inf");
  };
  std::string worse;
  if (after.nll > before.nll) {
    worse = change("NLL", before.nll, after.nll);
  } else if (after.ece > before.ece && after.brier > before.brier) {
    worse =
        change("ECE", before.ece, after.ece) + ", " + change("Brier", before.brier, after.brier);
  }
  return worse.empty() ? ""
                       : "a temperature makes samples worse that it was not fitted on (" + worse +
                             "); calibrate on more of them";
}

}  // namespace

CalibrationReport calibrate(const LabelledLogits& table, uint64_t seed, int64_t threads) {
  const auto in_first_half = [&](int64_t id) {
    return util::mix(seed, kHalvesStream, uint64_t(id)) >> 63 == 0;
  };
  const LabelledLogits other = table.where([&](int64_t id) { return !in_first_half(id); });
  CalibrationReport report;
  report.fit = fit_temperature(table, threads);
  report.half = fit_temperature(table.where(in_first_half), threads);
  report.reported = other.size();
  report.before = scores_of(other, 1, threads);
  report.after = scores_of(other, report.half.temperature, threads);
  std::string harm = harm_of(report.before, report.after);
  if (harm.empty() && report.fit.problem.empty() && !report.half.problem.empty()) {
    harm = "it cannot be checked: of half of the samples " + report.half.problem;
  }
  if (!harm.empty()) {
    report.fit.temperature = 1;
    report.fit.nll_after = report.fit.nll_before;
    report.fit.problem = harm;
  }
  return report;
}

}  // namespace dtrain::predictions
