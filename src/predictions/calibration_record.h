// The temperatures that were fitted for a checkpoint, kept in its folder as calibration.json. A
// checkpoint has one for each way its logits come about: from the weights or their moving average,
// from one view or several.
//
//   keep_calibration(checkpoint, header, calibrate(read_labelled(file), 0));
//   header.temperature = kept_temperature(checkpoint, header).value;  // of predictions made later
//
// docs/checkpoint_format.md describes the file.
#pragma once

#include <filesystem>
#include <optional>

#include "predictions/calibration.h"
#include "predictions/predictions.h"

namespace dtrain::predictions {

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

struct KeptTemperature {
  double value = 1;                  // to divide the logits by
  bool is_of_these_samples = false;  // why it is 1 though another is kept
};
// Its temperature, or 1. It is 1 too where the predictions are of the very samples that it was
// fitted on, by the data's fingerprint: on them it would look better than it is.
KeptTemperature kept_temperature(const std::filesystem::path& checkpoint,
                                 const PredictionsHeader& header);

}  // namespace dtrain::predictions
