#include "report/evaluation_report.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "render/table.h"
#include "report/numbers.h"
#include "report/significance_text.h"
#include "util/text.h"

namespace dtrain::report {
namespace {

using predictions::Comparison;
using predictions::Evaluation;

constexpr size_t kShownClasses = 40, kShownPairs = 10, kShownSamples = 20;

struct Measure {
  const char* name;
  double Evaluation::*value;
  bool is_percentage;
};
constexpr Measure kMeasures[] = {{"accuracy, %", &Evaluation::top1, true},
                                 {"top-5 accuracy, %", &Evaluation::top5, true},
                                 {"NLL", &Evaluation::nll, false},
                                 {"Brier score", &Evaluation::brier, false},
                                 {"ECE", &Evaluation::ece, false},
                                 {"adaptive ECE", &Evaluation::adaptive_ece, false}};

std::string value_text(const Measure& measure, const Evaluation& evaluation) {
  const double value = evaluation.*measure.value;
  return measure.is_percentage ? percent(value) : util::number(value, "%.5f");
}

std::vector<std::string> scores_cells(const std::string& name, const metrics::ClassScores& scores) {
  return {name,
          util::number(scores.precision, "%.4f"),
          util::number(scores.recall, "%.4f"),
          util::number(scores.f1, "%.4f"),
          std::to_string(scores.support)};
}

struct Pair {
  int64_t target = 0, predicted = 0, count = 0;
};

// Classes that are taken for others, the most frequent pairs first.
std::vector<Pair> confused_pairs(const metrics::ConfusionMatrix& matrix) {
  std::vector<Pair> pairs;
  for (int64_t t = 0; t < matrix.classes(); ++t) {
    for (int64_t p = 0; p < matrix.classes(); ++p) {
      if (p != t && matrix.count(t, p) > 0) pairs.push_back({t, p, matrix.count(t, p)});
    }
  }
  std::stable_sort(
      pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.count > b.count; });
  if (pairs.size() > kShownPairs) pairs.resize(kShownPairs);
  return pairs;
}

std::string differing_text(const Comparison& comparison,
                           const std::vector<std::string>& class_names) {
  render::Table table({"id", "target", "left", "right", "path"});
  const auto name = [&](int64_t k) { return class_name(k, class_names); };
  for (size_t i = 0; i < std::min(kShownSamples, comparison.differing.size()); ++i) {
    const predictions::DifferingSample& one = comparison.differing[i];
    table.row(
        {std::to_string(one.id), name(one.target), name(one.left), name(one.right), one.path});
  }
  return table.text();
}

}  // namespace

std::string source_text(const Evaluation& evaluation) {
  const predictions::PredictionsHeader& header = evaluation.header;
  std::string text = header.model;
  if (!header.checkpoint.empty()) text += " " + header.checkpoint;
  text += ", " + header.method;
  if (header.views.size() > 1) text += ", " + std::to_string(header.views.size()) + " views";
  return text + (header.temperature == 1
                     ? ", not calibrated"
                     : ", temperature " + util::number(header.temperature, "%.4f"));
}

Cells measure_cells(const Evaluation& evaluation) {
  Cells cells;
  for (const Measure& measure : kMeasures) {
    cells.rows.push_back({measure.name, value_text(measure, evaluation)});
    if (measure.value != &Evaluation::top1) continue;
    const auto right = int64_t(evaluation.top1 * double(evaluation.labelled) + 0.5);
    cells.rows.back().push_back("95 % interval " +
                                accuracy_interval_text(right, evaluation.labelled));
  }
  return cells;
}

Cells class_cells(const Evaluation& evaluation) {
  const metrics::ConfusionMatrix& matrix = evaluation.confusion;
  std::vector<int64_t> shown(size_t(matrix.classes()));
  std::iota(shown.begin(), shown.end(), 0);
  if (shown.size() > kShownClasses) {
    std::stable_sort(shown.begin(), shown.end(), [&](int64_t a, int64_t b) {
      return matrix.of_class(a).f1 < matrix.of_class(b).f1;
    });
    shown.resize(kShownClasses);
  }
  Cells cells{.header = {"class", "precision", "recall", "F1", "samples"}, .rows = {}};
  for (const int64_t k : shown) {
    cells.rows.push_back(
        scores_cells(evaluation.header.class_names[size_t(k)], matrix.of_class(k)));
  }
  cells.body = cells.rows.size();
  cells.rows.push_back(scores_cells("mean of classes", matrix.macro()));
  cells.rows.push_back(scores_cells("by samples", matrix.weighted()));
  return cells;
}

std::string shown_classes_text(const Evaluation& evaluation) {
  const auto classes = size_t(evaluation.confusion.classes());
  if (classes <= kShownClasses) return "";
  return "The " + std::to_string(kShownClasses) + " of " + std::to_string(classes) +
         " classes with the lowest F1:";
}

Cells confused_cells(const Evaluation& evaluation) {
  const auto& names = evaluation.header.class_names;
  Cells cells{.header = {"class", "taken for", "samples", "% of the class"}, .rows = {}};
  for (const Pair& pair : confused_pairs(evaluation.confusion)) {
    const int64_t support = evaluation.confusion.of_class(pair.target).support;
    cells.rows.push_back({names[size_t(pair.target)],
                          names[size_t(pair.predicted)],
                          std::to_string(pair.count),
                          util::number(100.0 * double(pair.count) / double(support), "%.1f")});
  }
  return cells;
}

void log_evaluation(const Evaluation& evaluation, util::Log& log) {
  log.info(source_text(evaluation) + ": " + std::to_string(evaluation.labelled) + " of " +
           std::to_string(evaluation.samples) + " samples of " + evaluation.header.dataset +
           " have a target");
  log.info(text_of(measure_cells(evaluation)));
  const std::string shown = shown_classes_text(evaluation);
  if (!shown.empty()) log.info(shown);
  log.info(text_of(class_cells(evaluation)));
  const Cells confused = confused_cells(evaluation);
  if (!confused.rows.empty()) log.info(text_of(confused));
}

void log_comparison(const Evaluation& left,
                    const Evaluation& right,
                    const Comparison& comparison,
                    util::Log& log) {
  log.info("left:  " + source_text(left));
  log.info("right: " + source_text(right));
  render::Table table({"", "left", "right", "difference"});
  for (const Measure& measure : kMeasures) {
    const double difference = right.*measure.value - left.*measure.value;
    table.row({measure.name,
               value_text(measure, left),
               value_text(measure, right),
               measure.is_percentage ? util::number(100 * difference, "%+.3f")
                                     : util::number(difference, "%+.5f")});
  }
  log.info(table.text());
  log.info("Right less left: " + difference_text(comparison.counts));
  const size_t differing = comparison.differing.size();
  log.info(
      std::to_string(differing) + " of " + std::to_string(comparison.samples) + " samples differ" +
      (differing > kShownSamples ? ", of which the first " + std::to_string(kShownSamples) + ":"
       : differing > 0           ? ":"
                                 : ""));
  if (differing > 0) log.info(differing_text(comparison, left.header.class_names));
}

}  // namespace dtrain::report
