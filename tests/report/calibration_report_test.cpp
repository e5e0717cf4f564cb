// How much a temperature mends, in words.
#include "report/calibration_report.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/report/printed.h"
#include "tests/support/mentions.h"

namespace dtrain::report {
namespace {

using dtrain::testing::mentions;
using dtrain::testing::printed;

predictions::CalibrationReport report() {
  predictions::CalibrationReport report;
  report.fit.temperature = 1.75;
  report.fit.samples = 400;
  report.half.temperature = 1.5;
  report.half.samples = 190;
  report.reported = 210;
  report.before = {.nll = 0.5, .brier = 0.25, .ece = 0.0625, .adaptive_ece = 0.125, .bins = {}};
  report.after = {.nll = 0.375, .brier = 0.1875, .ece = 0.03125, .adaptive_ece = 0.1, .bins = {}};
  return report;
}

TEST(CalibrationReport, SaysWhatWasFittedOnWhatAndWhereItIsSeen) {
  const std::string text = printed([](auto& log) { log_calibration(report(), "The vote", log); });
  EXPECT_TRUE(mentions(text,
                       {"Fitted on 190 samples (temperature 1.5000), seen on the other 210:",
                        "before  0.06250       0.12500  0.50000  0.25000",
                        "after   0.03125       0.10000  0.37500  0.18750",
                        "The vote: temperature 1.7500 fitted on all 400 samples"}));
  EXPECT_EQ(text.find("warning"), std::string::npos);
}

TEST(CalibrationReport, SaysWhyATemperatureStaysAsItIs) {
  predictions::CalibrationReport stuck = report();
  stuck.fit.problem = "it does not converge";
  stuck.before.nll = std::numeric_limits<double>::infinity();
  const std::string text = printed([&](auto& log) { log_calibration(stuck, "The vote", log); });
  EXPECT_TRUE(mentions(text, {"warning: The vote stays as it is: it does not converge"}));
  EXPECT_EQ(calibration_cells(stuck).rows[0][3], "-");
}

}  // namespace
}  // namespace dtrain::report
