#include "report/pictures.h"

#include "render/heatmap.h"
#include "render/reliability.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::report {
namespace {

render::ReliabilityPanel panel_of(const std::vector<metrics::ReliabilityBin>& bins,
                                  const std::string& title) {
  render::ReliabilityPanel panel{.title = title, .bins = {}};
  for (const metrics::ReliabilityBin& bin : bins) {
    panel.bins.push_back({bin.count, bin.confidence, bin.accuracy});
  }
  return panel;
}

std::string ece_text(double ece) { return "ECE " + util::number(100 * ece, "%.2f") + " %"; }

}  // namespace

render::Drawing confusion_picture(const predictions::Evaluation& evaluation) {
  const metrics::ConfusionMatrix& matrix = evaluation.confusion;
  render::Heatmap heatmap{.title = "Confusion, " + evaluation.header.dataset,
                          .row_label = "target",
                          .column_label = "predicted",
                          .names = evaluation.header.class_names,
                          .counts = {}};
  for (int64_t t = 0; t < matrix.classes(); ++t) {
    for (int64_t p = 0; p < matrix.classes(); ++p) heatmap.counts.push_back(matrix.count(t, p));
  }
  return render::draw(heatmap);
}

render::Drawing reliability_picture(const predictions::Evaluation& evaluation) {
  return render::draw("Reliability, " + evaluation.header.dataset,
                      {panel_of(evaluation.bins, ece_text(evaluation.ece))});
}

render::Drawing reliability_picture(const predictions::CalibrationReport& report,
                                    const std::string& title) {
  return render::draw(title,
                      {panel_of(report.before.bins, "as it is: " + ece_text(report.before.ece)),
                       panel_of(report.after.bins,
                                "temperature " + util::number(report.half.temperature, "%.3f") +
                                    ": " + ece_text(report.after.ece))});
}

void write_picture(const render::Drawing& drawing, const std::filesystem::path& path) {
  if (path.extension() == ".svg") return util::write_file_atomic(path, drawing.svg());
  if (path.extension() == ".png") return render::write_png(path, drawing.image());
  throw usage_error(path.string(), "is neither .svg nor .png", "name it as one of them");
}

}  // namespace dtrain::report
