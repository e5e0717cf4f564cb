#include "predictions/calibration_record.h"

#include <string>
#include <utility>

#include "config/json.h"
#include "predictions/calibration_json.h"
#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::predictions {
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

Json entry_of(const PredictionsHeader& header, const CalibrationReport& report) {
  Json entry = key_of(header);
  entry["fitted_on"] = {{"dataset", header.dataset}, {"data_fingerprint", header.data_fingerprint}};
  entry["calibration"] = to_json(report);
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

struct Kept {
  CalibrationReport calibration;
  std::string data_fingerprint;  // of the samples that were fitted on
};

std::optional<Kept> find_kept(const fs::path& checkpoint, const PredictionsHeader& header) {
  const fs::path path = checkpoint / kCalibrationFile;
  const Json key = key_of(header);
  for (const Json& entry : read_entries(path)) {
    if (!belongs_to(entry, key)) continue;
    try {
      return Kept{calibration_from_json(entry.at("calibration")),
                  entry.at("fitted_on").at("data_fingerprint").get<std::string>()};
    } catch (const Json::exception&) {
      throw damaged(path, "holds an entry that is no calibration");
    }
  }
  return std::nullopt;
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

std::optional<CalibrationReport> kept_calibration(const fs::path& checkpoint,
                                                  const PredictionsHeader& header) {
  auto kept = find_kept(checkpoint, header);
  if (!kept) return std::nullopt;
  return std::move(kept->calibration);
}

KeptTemperature kept_temperature(const fs::path& checkpoint, const PredictionsHeader& header) {
  const auto kept = find_kept(checkpoint, header);
  if (!kept) return {};
  const double temperature = kept->calibration.fit.temperature;
  if (kept->data_fingerprint != header.data_fingerprint) return {.value = temperature};
  return {.is_of_these_samples = temperature != 1};
}

}  // namespace dtrain::predictions
