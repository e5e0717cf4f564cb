#include "inference/calibration_record.h"

#include <string>

#include "config/json.h"
#include "inference/calibration_json.h"
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
  const fs::path path = checkpoint / kCalibrationFile;
  const Json key = key_of(header);
  for (const Json& entry : read_entries(path)) {
    if (!belongs_to(entry, key)) continue;
    try {
      return calibration_from_json(entry.at("calibration"));
    } catch (const Json::exception&) {
      throw damaged(path, "holds an entry that is no calibration");
    }
  }
  return std::nullopt;
}

double kept_temperature(const fs::path& checkpoint, const PredictionsHeader& header) {
  const auto kept = kept_calibration(checkpoint, header);
  return kept ? kept->fit.temperature : 1;
}

}  // namespace dtrain::inference
