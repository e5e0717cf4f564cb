// An evaluation as a folder of files, for programs and for people.
//
//   metrics.json                 all measures
//   per_class.csv                precision, recall, F1
//   confusion.csv, .svg, .png    counts, a row for each target
//   reliability.svg, .png        confidence and accuracy
//   hardest.csv, .png            the least probable targets
//   differing.csv, .png          of two files: samples whose predicted classes differ
#pragma once

#include <filesystem>

#include "predictions/evaluation.h"
#include "report/sample_pictures.h"

namespace dtrain::report {

// `pictures` may be null: no contact sheet. Each file is written whole or not at all; Error(kIo).
void write_evaluation(const std::filesystem::path& folder,
                      const predictions::Evaluation& evaluation,
                      SamplePictures* pictures);
void write_comparison(const std::filesystem::path& folder,
                      const predictions::Comparison& comparison,
                      const std::vector<std::string>& class_names,
                      SamplePictures* pictures,
                      int64_t shown);

}  // namespace dtrain::report
