// An evaluation, and two beside each other, in words.
#pragma once

#include <string>

#include "inference/evaluation.h"
#include "review/cells.h"
#include "util/log.h"

namespace dtrain::review {

// What made the predictions: network, checkpoint, views, temperature.
std::string source_text(const inference::Evaluation& evaluation);
Cells measure_cells(const inference::Evaluation& evaluation);
// The 40 of the lowest F1 where there are more, which shown_classes_text() then says.
Cells class_cells(const inference::Evaluation& evaluation);
std::string shown_classes_text(const inference::Evaluation& evaluation);  // empty: all are shown
Cells confused_cells(const inference::Evaluation& evaluation);            // most frequent first

// Measures, a table of classes, and which classes are taken for which most often. Of more than 40
// classes those of the lowest F1 are shown.
void log_evaluation(const inference::Evaluation& evaluation, util::Log& log);

// The measures of both in one table, the difference of the accuracies with its interval and
// McNemar's test, and the first samples on which they differ.
void log_comparison(const inference::Evaluation& left,
                    const inference::Evaluation& right,
                    const inference::Comparison& comparison,
                    util::Log& log);

}  // namespace dtrain::review
