// How much a temperature mends, in words.
#pragma once

#include <string>

#include "predictions/calibration.h"
#include "report/cells.h"
#include "util/log.h"

namespace dtrain::report {

// Errors and scores before and after, of the half that was not fitted on.
Cells calibration_cells(const predictions::CalibrationReport& report);

// A table of errors and scores before and after, of the half that was not fitted on, and the
// temperature. `subject` begins the last line: "The vote".
void log_calibration(const predictions::CalibrationReport& report,
                     const std::string& subject,
                     util::Log& log);

}  // namespace dtrain::report
