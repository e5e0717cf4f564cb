// Evaluations as pictures.
#pragma once

#include <filesystem>

#include "inference/calibration.h"
#include "inference/evaluation.h"
#include "report/drawing.h"

namespace dtrain::review {

report::Drawing confusion_picture(const inference::Evaluation& evaluation);
// Of the file as it is, at its temperature.
report::Drawing reliability_picture(const inference::Evaluation& evaluation);
// Before and after, on the half that was not fitted on.
report::Drawing reliability_picture(const inference::CalibrationReport& report,
                                    const std::string& title);

// `path` ends in .svg or .png; Error(kUsage) where it does not, Error(kIo) as util::AtomicFile.
void write_picture(const report::Drawing& drawing, const std::filesystem::path& path);

}  // namespace dtrain::review
