// An evaluation, and two beside each other, in words.
#pragma once

#include <string>

#include "predictions/evaluation.h"
#include "report/cells.h"
#include "util/log.h"

namespace dtrain::report {

// What made the predictions: network, checkpoint, views, temperature.
std::string source_text(const predictions::Evaluation& evaluation);
Cells measure_cells(const predictions::Evaluation& evaluation);
// The 40 of the lowest F1 where there are more, which shown_classes_text() then says.
Cells class_cells(const predictions::Evaluation& evaluation);
std::string shown_classes_text(const predictions::Evaluation& evaluation);  // empty: all are shown
Cells confused_cells(const predictions::Evaluation& evaluation);            // most frequent first

// Measures, a table of classes, and which classes are taken for which most often. Of more than 40
// classes those of the lowest F1 are shown.
void log_evaluation(const predictions::Evaluation& evaluation, util::Log& log);

// The measures of both in one table, the difference of the accuracies with its interval and
// McNemar's test, and the first samples on which they differ.
void log_comparison(const predictions::Evaluation& left,
                    const predictions::Evaluation& right,
                    const predictions::Comparison& comparison,
                    util::Log& log);

}  // namespace dtrain::report
