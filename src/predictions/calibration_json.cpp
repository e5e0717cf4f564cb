#include "predictions/calibration_json.h"

#include <cmath>
#include <limits>

namespace dtrain::predictions {
namespace {

using config::Json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

// Null is what was not finite; an NLL is never minus infinity.
double finite_or_infinity(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::infinity() : json.get<double>();
}

Json scores_json(const CalibrationScores& scores) {
  Json bins = Json::array();
  for (const metrics::ReliabilityBin& bin : scores.bins) {
    bins.push_back({bin.count, bin.confidence, bin.accuracy});
  }
  return {{"ece", number(scores.ece)},
          {"adaptive_ece", number(scores.adaptive_ece)},
          {"nll", number(scores.nll)},
          {"brier", number(scores.brier)},
          {"top1", number(scores.top1)},
          {"bins", bins}};
}

CalibrationScores scores_from(const Json& json) {
  CalibrationScores scores;
  scores.ece = finite_or_infinity(json.at("ece"));
  scores.adaptive_ece = finite_or_infinity(json.at("adaptive_ece"));
  scores.nll = finite_or_infinity(json.at("nll"));
  scores.brier = finite_or_infinity(json.at("brier"));
  scores.top1 = finite_or_infinity(json.at("top1"));
  for (const Json& bin : json.at("bins")) scores.bins.push_back({bin.at(0), bin.at(1), bin.at(2)});
  return scores;
}

Json fit_json(const FittedTemperature& fit) {
  return {{"temperature", fit.temperature},
          {"samples", fit.samples},
          {"iterations", fit.iterations},
          {"nll_before", number(fit.nll_before)},
          {"nll_after", number(fit.nll_after)},
          {"problem", fit.problem}};
}

FittedTemperature fit_from(const Json& json) {
  FittedTemperature fit;
  fit.temperature = json.at("temperature");
  fit.samples = json.at("samples");
  fit.iterations = json.at("iterations");
  fit.nll_before = finite_or_infinity(json.at("nll_before"));
  fit.nll_after = finite_or_infinity(json.at("nll_after"));
  fit.problem = json.at("problem");
  if (!(fit.temperature > 0) || !std::isfinite(fit.temperature)) {
    throw Json::other_error::create(501, "a temperature is not above 0", &json);
  }
  return fit;
}

}  // namespace

Json to_json(const CalibrationReport& report) {
  return {{"fit", fit_json(report.fit)},
          {"half", fit_json(report.half)},
          {"reported", report.reported},
          {"before", scores_json(report.before)},
          {"after", scores_json(report.after)}};
}

CalibrationReport calibration_from_json(const Json& json) {
  CalibrationReport report;
  report.fit = fit_from(json.at("fit"));
  report.half = fit_from(json.at("half"));
  report.reported = json.at("reported");
  report.before = scores_from(json.at("before"));
  report.after = scores_from(json.at("after"));
  return report;
}

}  // namespace dtrain::predictions
