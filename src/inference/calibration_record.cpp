#include "inference/calibration_record.h"

#include <cmath>
#include <string>

#include "config/json.h"
#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::inference {
namespace {

namespace fs = std::filesystem;
using config::Json;

constexpr const char* kFormat = "dtrain-calibration";
constexpr int64_t kVersion = 1;

// What a temperature belongs to.
Json key_of(const PredictionsHeader& header) {
  return {{"model_fingerprint", header.model_fingerprint},
          {"method", header.method},
          {"views", header.views}};
}

bool belongs_to(const Json& entry, const Json& key) {
  for (const auto& [name, value] : key.items()) {
    if (!entry.contains(name) || entry.at(name) != value) return false;
  }
  return true;
}

// JSON has no infinity and no NaN.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json scores_json(const CalibrationScores& scores) {
  return {{"ece", number(scores.ece)},
          {"adaptive_ece", number(scores.adaptive_ece)},
          {"nll", number(scores.nll)},
          {"brier", number(scores.brier)},
          {"top1", number(scores.top1)}};
}

Json entry_of(const PredictionsHeader& header, const CalibrationReport& report) {
  Json entry = key_of(header);
  entry["temperature"] = report.fit.temperature;
  if (!report.fit.problem.empty()) entry["problem"] = report.fit.problem;
  entry["fitted_on"] = {{"dataset", header.dataset},
                        {"data_fingerprint", header.data_fingerprint},
                        {"samples", report.fit.samples},
                        {"nll_before", number(report.fit.nll_before)},
                        {"nll_after", number(report.fit.nll_after)}};
  entry["halves"] = {{"temperature", report.half.temperature},
                     {"fitted_on_samples", report.half.samples},
                     {"reported_on_samples", report.reported},
                     {"before", scores_json(report.before)},
                     {"after", scores_json(report.after)}};
  return entry;
}

Error damaged(const fs::path& path, const std::string& cause) {
  return io_error(path.string(), cause, "remove it and calibrate again");
}

// The entries of the file; none where there is no file.
Json read_entries(const fs::path& path) {
  if (!fs::exists(path)) return Json::array();
  const Json root =
      config::read_json_file(path.string(), config::JsonLimits{.code = ExitCode::kIo}).root;
  if (!root.is_object() || root.value("format", "") != kFormat || !root.contains("entries") ||
      !root.at("entries").is_array()) {
    throw damaged(path, "holds no temperatures");
  }
  if (root.value("version", kVersion + 1) > kVersion) {
    throw damaged(path, "was written by a newer dtrain");
  }
  return root.at("entries");
}

}  // namespace

void keep_calibration(const fs::path& checkpoint,
                      const PredictionsHeader& fitted_on,
                      const CalibrationReport& report) {
  const fs::path path = checkpoint / kCalibrationFile;
  const Json key = key_of(fitted_on);
  Json entries = Json::array();
  for (const Json& entry : read_entries(path)) {
    if (!belongs_to(entry, key)) entries.push_back(entry);
  }
  entries.push_back(entry_of(fitted_on, report));
  const Json root = {{"format", kFormat}, {"version", kVersion}, {"entries", entries}};
  util::write_file_atomic(path, root.dump(2) + "\n");
}

double kept_temperature(const fs::path& checkpoint, const PredictionsHeader& header) {
  const fs::path path = checkpoint / kCalibrationFile;
  const Json key = key_of(header);
  for (const Json& entry : read_entries(path)) {
    if (!belongs_to(entry, key)) continue;
    const Json found = entry.value("temperature", Json());
    const double temperature = found.is_number() ? found.get<double>() : 0;
    if (!(temperature > 0) || !std::isfinite(temperature)) {
      throw damaged(path, "holds a temperature that is not above 0");
    }
    return temperature;
  }
  return 1;
}

}  // namespace dtrain::inference
