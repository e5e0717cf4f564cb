// dtrain calibrate.
#include <filesystem>
#include <string>

#include "cli/command_settings.h"
#include "cli/commands.h"
#include "cli/run_predictions.h"
#include "predictions/calibration_record.h"
#include "report/calibration_report.h"
#include "report/pictures.h"
#include "report/predicting_checkpoint.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::cli {

struct CalibrateSettings {
  std::string checkpoint;
  bool keep = true;
  std::string diagram;
  int64_t seed = 0;
  int64_t threads = 0;
};

template <class V>
void fields(V& v, CalibrateSettings& c) {
  using namespace config;
  v("checkpoint",
    c.checkpoint,
    "The checkpoint, or its run, that made the predictions; empty: the one in the run folder they "
    "lie in.");
  v("keep",
    c.keep,
    "Keep the temperature with the checkpoint, for the predictions that are made with it later.");
  v("diagram", c.diagram, "Reliability diagram that is written: a file .svg or .png.");
  v("seed", c.seed, at_least(0), "Of the halves that the scores before and after are seen on.");
  v("threads", c.threads, between(0, 1024), "0: one for each processor.");
}

namespace {

constexpr const char* kCalibrateUsage = "usage: dtrain calibrate PREDICTIONS.h5_OR_RUN [flags]";

void keep(const predictions::PredictionsFile& file,
          const predictions::CalibrationReport& report,
          const CalibrateSettings& settings) {
  const auto checkpoint = report::predicting_checkpoint(file, settings.checkpoint);
  if (!checkpoint) {
    util::log_info("Kept nowhere: no checkpoint of " + file.header().model + " beside " +
                   file.path().string() + "; --checkpoint names one");
    return;
  }
  predictions::keep_calibration(*checkpoint, file.header(), report);
  util::log_info((report.fit.problem.empty() ? "Kept: " : "Kept: temperature 1, in ") +
                 (*checkpoint / predictions::kCalibrationFile).string());
}

}  // namespace

std::string calibrate_flags() { return own_flags<CalibrateSettings>(); }

int run_calibrate(const Words& words, dist::MpiScope*) {
  const auto parsed = parse_file_command<CalibrateSettings>(words, kCalibrateUsage);
  const CalibrateSettings& settings = parsed.own;
  if (parsed.positionals.size() != 1) {
    throw usage_error("dtrain calibrate",
                      std::to_string(parsed.positionals.size()) + " files of predictions",
                      kCalibrateUsage);
  }
  util::log().set_terminal(stdout);
  const predictions::PredictionsFile file(predictions_of(parsed.positionals.front()));
  if (!settings.diagram.empty()) util::expect_writable(settings.diagram);
  if (file.header().temperature != 1) {
    util::log_info("The temperature that " + file.path().string() +
                   " carries is left aside: what follows is of its logits as they are stored");
  }
  const predictions::CalibrationReport report =
      predictions::calibrate(predictions::read_labelled(file.path()),
                             uint64_t(settings.seed),
                             threads_or_all(settings.threads));
  report::log_calibration(report, file.path().string(), util::log());
  if (!settings.diagram.empty()) {
    report::write_picture(report::reliability_picture(report, file.header().dataset),
                          settings.diagram);
  }
  if (settings.keep) keep(file, report, settings);
  return 0;
}

}  // namespace dtrain::cli
