// A calibration as JSON, which is how it is kept on disk.
#pragma once

#include "config/json.h"
#include "predictions/calibration.h"

namespace dtrain::predictions {

// The temperature to be used is fit.temperature; before and after are of the other half, at
// half.temperature. Numbers that are not finite are null.
config::Json to_json(const CalibrationReport& report);

// Throws config::Json::exception for what to_json() cannot have written; a temperature is above 0.
CalibrationReport calibration_from_json(const config::Json& json);

}  // namespace dtrain::predictions
