// An evaluation as a part of a page.
#pragma once

#include "predictions/calibration.h"
#include "predictions/evaluation.h"
#include "render/html_page.h"
#include "report/sample_pictures.h"

namespace dtrain::report {

// Measures, classes, confusions, reliability and, where there are `pictures`, the hardest samples.
void add_evaluation(render::HtmlPage& page,
                    const predictions::Evaluation& evaluation,
                    SamplePictures* pictures);

// Before and after, with both reliability diagrams.
void add_calibration(render::HtmlPage& page,
                     const predictions::CalibrationReport& calibration,
                     const std::string& subject);

}  // namespace dtrain::report
