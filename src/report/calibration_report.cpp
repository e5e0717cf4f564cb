#include "report/calibration_report.h"

#include "util/text.h"

namespace dtrain::report {

Cells calibration_cells(const predictions::CalibrationReport& report) {
  Cells cells{.header = {"", "ECE", "adaptive ECE", "NLL", "Brier"}, .rows = {}};
  const auto row = [&](const std::string& name, const predictions::CalibrationScores& scores) {
    cells.rows.push_back({name,
                          util::number(scores.ece, "%.5f"),
                          util::number(scores.adaptive_ece, "%.5f"),
                          util::number(scores.nll, "%.5f"),
                          util::number(scores.brier, "%.5f")});
  };
  row("before", report.before);
  row("after", report.after);
  return cells;
}

void log_calibration(const predictions::CalibrationReport& report,
                     const std::string& subject,
                     util::Log& log) {
  log.info("Fitted on " + std::to_string(report.half.samples) + " samples (temperature " +
           util::number(report.half.temperature, "%.4f") + "), seen on the other " +
           std::to_string(report.reported) + ":\n" + text_of(calibration_cells(report)));
  if (!report.half.problem.empty()) {
    log.warning("before and after are alike: of the half that was fitted on, " +
                report.half.problem);
  }
  const predictions::FittedTemperature& fit = report.fit;
  log.info(subject + ": temperature " + util::number(fit.temperature, "%.4f") + " fitted on all " +
           std::to_string(fit.samples) + " samples in " + std::to_string(fit.iterations) +
           " steps, NLL " + util::number(fit.nll_before, "%.5f") + " -> " +
           util::number(fit.nll_after, "%.5f"));
  if (!fit.problem.empty()) log.warning(subject + " stays as it is: " + fit.problem);
}

}  // namespace dtrain::report
