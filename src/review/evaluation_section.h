// An evaluation as a part of a page.
#pragma once

#include "inference/calibration.h"
#include "inference/evaluation.h"
#include "report/html_page.h"
#include "review/sample_pictures.h"

namespace dtrain::review {

// Measures, classes, confusions, reliability and, where there are `pictures`, the hardest samples.
void add_evaluation(report::HtmlPage& page,
                    const inference::Evaluation& evaluation,
                    SamplePictures* pictures);

// Before and after, with both reliability diagrams.
void add_calibration(report::HtmlPage& page,
                     const inference::CalibrationReport& calibration,
                     const std::string& subject);

}  // namespace dtrain::review
