#include "inference/calibration.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

#include "data/sample.h"
#include "inference/lbfgs.h"
#include "inference/predictions.h"
#include "metrics/probability_scores.h"
#include "util/check.h"
#include "util/random.h"

namespace dtrain::inference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLowest = 0.01, kHighest = 100;
constexpr int64_t kBlock = 1024;  // samples whose sums are added up together
constexpr uint64_t kHalvesStream = 91;

// The mean NLL at 1 / temperature = u, and its derivative by u.
struct Point {
  double nll = 0, slope = 0;
};

// -log p(target) = log(sum exp(u z)) - u z_y, whose derivative is the mean of z under p less z_y.
Point point_of(std::span<const float> logits, int64_t target, double u) {
  double top = -kInfinity;
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

Point mean_point(const LabelledLogits& table, double u, int64_t threads) {
  const int64_t n = table.size(), blocks = (n + kBlock - 1) / kBlock;
  std::vector<Point> sums(size_t(blocks), Point{});
  std::atomic<int64_t> next{0};
  const auto work = [&] {
    for (int64_t b = next++; b < blocks; b = next++) {
      for (int64_t i = b * kBlock; i < std::min(n, (b + 1) * kBlock); ++i) {
        const Point one = point_of(table.row(i), table.targets[size_t(i)], u);
        sums[size_t(b)].nll += one.nll;
        sums[size_t(b)].slope += one.slope;
      }
    }
  };
  std::vector<std::thread> others;
  for (int64_t t = 1; t < std::min(threads, blocks); ++t) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  Point mean;
  for (const Point& sum : sums) {
    mean.nll += sum.nll / double(n);
    mean.slope += sum.slope / double(n);
  }
  return mean;
}

bool in_first_half(uint64_t seed, int64_t id) {
  return util::mix(seed, kHalvesStream, uint64_t(id)) >> 63 == 0;
}

LabelledLogits half_of(const LabelledLogits& table, uint64_t seed, bool first) {
  LabelledLogits half{.classes = table.classes, .ids = {}, .targets = {}, .logits = {}};
  for (int64_t i = 0; i < table.size(); ++i) {
    if (in_first_half(seed, table.ids[size_t(i)]) != first) continue;
    half.ids.push_back(table.ids[size_t(i)]);
    half.targets.push_back(table.targets[size_t(i)]);
    const auto row = table.row(i);
    half.logits.insert(half.logits.end(), row.begin(), row.end());
  }
  return half;
}

}  // namespace

LabelledLogits read_labelled(const std::filesystem::path& predictions) {
  const PredictionsFile file(predictions);
  LabelledLogits table{.classes = file.classes(), .ids = {}, .targets = {}, .logits = {}};
  const int64_t step = file.rows_per_chunk();
  std::vector<float> rows;
  for (int64_t first = 0; first < file.size(); first += step) {
    const int64_t n = std::min(step, file.size() - first);
    rows.resize(size_t(n * file.classes()));
    file.read_logits(first, rows);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t target = file.index().targets[size_t(first + i)];
      if (target == data::kUnlabelled) continue;
      table.ids.push_back(file.index().ids[size_t(first + i)]);
      table.targets.push_back(target);
      const auto begin = rows.begin() + i * file.classes();
      table.logits.insert(table.logits.end(), begin, begin + file.classes());
    }
  }
  if (table.size() == 0) {
    throw data_error(predictions.string(),
                     "no sample has a target",
                     "calibrate on predictions of a labelled split");
  }
  return table;
}

FittedTemperature fit_temperature(const LabelledLogits& table, int64_t threads) {
  FittedTemperature fit;
  fit.samples = table.size();
  if (table.size() == 0) {
    fit.problem = "there are no samples";
    return fit;
  }
  fit.nll_before = fit.nll_after = mean_point(table, 1, threads).nll;
  if (!std::isfinite(fit.nll_before)) {
    fit.problem = "a target has probability zero, at any temperature";
    return fit;
  }
  const auto function = [&](std::span<const double> t, std::span<double> gradient) {
    const double u = std::exp(-t[0]);
    const Point point = mean_point(table, u, threads);
    gradient[0] = -u * point.slope;  // by t
    return point.nll;
  };
  const LbfgsResult result = minimise(function, {0.0});
  fit.iterations = result.iterations;
  const double temperature = std::clamp(std::exp(result.x[0]), kLowest, kHighest);
  const double nll = mean_point(table, 1 / temperature, threads).nll;
  if (!result.converged && temperature > kLowest && temperature < kHighest) {
    fit.problem = "the search did not converge in " + std::to_string(result.iterations) + " steps";
  } else if (nll <= fit.nll_before) {
    fit.temperature = temperature;
    fit.nll_after = nll;
  }
  return fit;
}

CalibrationScores scores_of(const LabelledLogits& table, double temperature) {
  metrics::ProbabilityScores scores;
  for (int64_t i = 0; i < table.size(); ++i) {
    scores.add(table.row(i), temperature, table.targets[size_t(i)]);
  }
  CalibrationScores out;
  out.nll = scores.nll();
  out.brier = scores.brier();
  out.top1 = scores.top1();
  out.bins = metrics::equal_width_bins(scores.confidences());
  out.ece = metrics::calibration_error(out.bins);
  out.adaptive_ece = metrics::calibration_error(metrics::equal_mass_bins(scores.confidences()));
  return out;
}

CalibrationReport calibrate(const LabelledLogits& table, uint64_t seed, int64_t threads) {
  CalibrationReport report;
  report.fit = fit_temperature(table, threads);
  report.half = fit_temperature(half_of(table, seed, true), threads);
  const LabelledLogits other = half_of(table, seed, false);
  report.reported = other.size();
  report.before = scores_of(other, 1);
  report.after = scores_of(other, report.half.temperature);
  return report;
}

}  // namespace dtrain::inference
