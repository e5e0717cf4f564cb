// The temperatures that were fitted for a checkpoint, kept in its folder as calibration.json. A
// checkpoint has one for each way its logits come about: from the weights or their moving average,
// from one view or several.
//
//   keep_calibration(checkpoint, header, calibrate(read_labelled(file), 0));
//   header.temperature = kept_temperature(checkpoint, header);  // of predictions made later
//
// docs/checkpoint_format.md describes the file.
#pragma once

#include <filesystem>
#include <optional>

#include "inference/calibration.h"
#include "inference/predictions.h"

namespace dtrain::inference {

inline constexpr const char* kCalibrationFile = "calibration.json";

// Adds to the file, or replaces what was fitted before for the same weights, views and method.
// `fitted_on` is the header of the predictions. Throws Error(kIo).
void keep_calibration(const std::filesystem::path& checkpoint,
                      const PredictionsHeader& fitted_on,
                      const CalibrationReport& report);

// What was fitted for predictions with such a header; empty where nothing was. Throws Error(kIo)
// where the file is damaged.
std::optional<CalibrationReport> kept_calibration(const std::filesystem::path& checkpoint,
                                                  const PredictionsHeader& header);
// Its temperature, or 1.
double kept_temperature(const std::filesystem::path& checkpoint, const PredictionsHeader& header);

}  // namespace dtrain::inference
