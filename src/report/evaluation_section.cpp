#include "report/evaluation_section.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "report/calibration_report.h"
#include "report/evaluation_report.h"
#include "report/pictures.h"
#include "util/text.h"

namespace dtrain::report {

void add_evaluation(render::HtmlPage& page,
                    const predictions::Evaluation& evaluation,
                    SamplePictures* pictures) {
  page.paragraph(source_text(evaluation) + "; " + std::to_string(evaluation.labelled) +
                 " samples with a target.");
  std::vector<std::pair<std::string, std::string>> facts;
  for (const auto& row : measure_cells(evaluation).rows) facts.emplace_back(row[0], row[1]);
  page.facts(facts);
  page.heading("Classes");
  const std::string shown = shown_classes_text(evaluation);
  if (!shown.empty()) page.paragraph(shown);
  page.table(html_of(class_cells(evaluation)));
  page.heading("Confusion");
  page.figure(confusion_picture(evaluation).svg(),
              "Confusion matrix of " + evaluation.header.dataset,
              "A row for each class, coloured by its share of the row.");
  const Cells confused = confused_cells(evaluation);
  if (!confused.rows.empty()) {
    page.details("What is taken for what most often", html_of(confused));
  }
  page.heading("Reliability");
  page.figure(reliability_picture(evaluation).svg(),
              "Reliability diagram of " + evaluation.header.dataset,
              "Blue: how often it is right at that confidence. Orange: what is missing to the "
              "confidence; darker: what is beyond it.");
  if (pictures == nullptr || evaluation.hardest.empty()) return;
  page.heading("Hardest samples");
  page.figure(hardest_sheet(evaluation, *pictures),
              "The samples whose targets are least probable",
              "The target with its probability, and what was predicted.");
}

void add_calibration(render::HtmlPage& page,
                     const predictions::CalibrationReport& calibration,
                     const std::string& subject) {
  page.heading(subject);
  page.paragraph("Temperature " + util::number(calibration.fit.temperature, "%.4f") +
                 ", fitted on " + std::to_string(calibration.fit.samples) +
                 " validation samples. The table and the diagrams are of the half that a "
                 "temperature of " +
                 util::number(calibration.half.temperature, "%.4f") + " was not fitted on, " +
                 std::to_string(calibration.reported) + " samples.");
  if (!calibration.fit.problem.empty()) page.warning(calibration.fit.problem);
  page.table(html_of(calibration_cells(calibration)));
  if (calibration.before.bins.empty()) return;
  page.figure(
      reliability_picture(calibration, subject).svg(), "Reliability diagrams before and after", "");
}

}  // namespace dtrain::report
