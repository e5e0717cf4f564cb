// Evaluations as pictures.
#pragma once

#include <filesystem>

#include "predictions/calibration.h"
#include "predictions/evaluation.h"
#include "render/drawing.h"

namespace dtrain::report {

render::Drawing confusion_picture(const predictions::Evaluation& evaluation);
// Of the file as it is, at its temperature.
render::Drawing reliability_picture(const predictions::Evaluation& evaluation);
// Before and after, on the half that was not fitted on.
render::Drawing reliability_picture(const predictions::CalibrationReport& report,
                                    const std::string& title);

// `path` ends in .svg or .png; Error(kUsage) where it does not, Error(kIo) as util::AtomicFile.
void write_picture(const render::Drawing& drawing, const std::filesystem::path& path);

}  // namespace dtrain::report
