#include "review/pictures.h"

#include "report/heatmap.h"
#include "report/reliability.h"
#include "review/numbers.h"
#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::review {
namespace {

report::ReliabilityPanel panel_of(const std::vector<metrics::ReliabilityBin>& bins,
                                  const std::string& title) {
  report::ReliabilityPanel panel{.title = title, .bins = {}};
  for (const metrics::ReliabilityBin& bin : bins) {
    panel.bins.push_back({bin.count, bin.confidence, bin.accuracy});
  }
  return panel;
}

std::string ece_text(double ece) { return "ECE " + number(100 * ece, "%.2f") + " %"; }

}  // namespace

report::Drawing confusion_picture(const inference::Evaluation& evaluation) {
  const metrics::ConfusionMatrix& matrix = evaluation.confusion;
  report::Heatmap heatmap{.title = "Confusion, " + evaluation.header.dataset,
                          .row_label = "target",
                          .column_label = "predicted",
                          .names = evaluation.header.class_names,
                          .counts = {}};
  for (int64_t t = 0; t < matrix.classes(); ++t) {
    for (int64_t p = 0; p < matrix.classes(); ++p) heatmap.counts.push_back(matrix.count(t, p));
  }
  return report::draw(heatmap);
}

report::Drawing reliability_picture(const inference::Evaluation& evaluation) {
  return report::draw("Reliability, " + evaluation.header.dataset,
                      {panel_of(evaluation.bins, ece_text(evaluation.ece))});
}

report::Drawing reliability_picture(const inference::CalibrationReport& report,
                                    const std::string& title) {
  return report::draw(title,
                      {panel_of(report.before.bins, "as it is: " + ece_text(report.before.ece)),
                       panel_of(report.after.bins,
                                "temperature " + number(report.half.temperature, "%.3f") + ": " +
                                    ece_text(report.after.ece))});
}

void write_picture(const report::Drawing& drawing, const std::filesystem::path& path) {
  if (path.extension() == ".svg") return util::write_file_atomic(path, drawing.svg());
  if (path.extension() == ".png") return report::write_png(path, drawing.image());
  throw usage_error(path.string(), "is neither .svg nor .png", "name it as one of them");
}

}  // namespace dtrain::review
