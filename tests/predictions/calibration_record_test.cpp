// Temperatures kept with a checkpoint.
#include "predictions/calibration_record.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::predictions {
namespace {

using dtrain::testing::TempFolder;

// Of the test split, after a calibration on the validation split.
PredictionsHeader test_header() {
  PredictionsHeader header = dtrain::testing::header_of(3);
  header.data_fingerprint = "other data";
  return header;
}

CalibrationReport report_of(double temperature) {
  CalibrationReport report;
  report.fit.temperature = temperature;
  report.before.nll = std::numeric_limits<double>::infinity();
  return report;
}

TEST(CalibrationRecord, GivesBackTheTemperatureToTheLastBit) {
  const TempFolder folder;
  const PredictionsHeader header = dtrain::testing::header_of(3);
  EXPECT_EQ(kept_temperature(folder.path(), test_header()).value, 1);
  keep_calibration(folder.path(), header, report_of(1.0 / 3));
  EXPECT_EQ(kept_temperature(folder.path(), test_header()).value, 1.0 / 3);
  keep_calibration(folder.path(), header, report_of(0.7));
  EXPECT_EQ(kept_temperature(folder.path(), test_header()).value, 0.7);
}

TEST(CalibrationRecord, HasNoTemperatureForTheSamplesItWasFittedOn) {
  const TempFolder folder;
  const PredictionsHeader header = dtrain::testing::header_of(3);
  keep_calibration(folder.path(), header, report_of(2));
  EXPECT_EQ(kept_temperature(folder.path(), header).value, 1);
  EXPECT_TRUE(kept_temperature(folder.path(), header).is_of_these_samples);
  EXPECT_FALSE(kept_temperature(folder.path(), test_header()).is_of_these_samples);
  // What was fitted can be shown all the same.
  EXPECT_EQ(kept_calibration(folder.path(), header)->fit.temperature, 2);
  // Calibrated on other samples since.
  keep_calibration(folder.path(), test_header(), report_of(3));
  EXPECT_EQ(kept_temperature(folder.path(), header).value, 3);
  EXPECT_EQ(kept_temperature(folder.path(), test_header()).value, 1);
}

TEST(CalibrationRecord, KeepsAllScoresAndBins) {
  const TempFolder folder;
  const PredictionsHeader header = dtrain::testing::header_of(3);
  dtrain::testing::write_table(folder / "table.h5", 50, 3, 50);
  const CalibrationReport fitted = calibrate(read_labelled(folder / "table.h5"), 0);
  keep_calibration(folder.path(), header, fitted);
  const auto kept = kept_calibration(folder.path(), header);
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->fit.samples, fitted.fit.samples);
  EXPECT_EQ(kept->half.temperature, fitted.half.temperature);
  EXPECT_EQ(kept->reported, fitted.reported);
  EXPECT_EQ(kept->after.nll, fitted.after.nll);
  EXPECT_EQ(kept->after.ece, fitted.after.ece);
  ASSERT_EQ(kept->before.bins.size(), fitted.before.bins.size());
  EXPECT_EQ(kept->before.bins[7].count, fitted.before.bins[7].count);
  EXPECT_EQ(kept->before.bins[7].accuracy, fitted.before.bins[7].accuracy);
  EXPECT_FALSE(kept_calibration(folder / "nowhere", header).has_value());
}

TEST(CalibrationRecord, BelongsToWeightsViewsAndMethod) {
  const TempFolder folder;
  const PredictionsHeader header = dtrain::testing::header_of(3);
  PredictionsHeader average = header, views = header, merged = header;
  average.model_fingerprint = "moving average";
  views.views = {"identity", "flip"};
  merged.method = "mean of logits";
  keep_calibration(folder.path(), header, report_of(2));
  for (PredictionsHeader other : {average, views, merged}) {
    EXPECT_FALSE(kept_calibration(folder.path(), other).has_value());
    other.data_fingerprint = "other data";
    EXPECT_EQ(kept_temperature(folder.path(), other).value, 1);
  }
  keep_calibration(folder.path(), average, report_of(3));
  EXPECT_EQ(kept_temperature(folder.path(), test_header()).value, 2);
  average.data_fingerprint = "other data";
  EXPECT_EQ(kept_temperature(folder.path(), average).value, 3);
}

TEST(CalibrationRecord, RefusesDamagedFilesByName) {
  const TempFolder folder;
  const PredictionsHeader header = dtrain::testing::header_of(3);
  keep_calibration(folder.path(), header, report_of(2));
  const auto path = folder / kCalibrationFile;
  std::string good = util::read_file(path);
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& text : {good.substr(0, good.size() / 2),
                                  std::string("[]"),
                                  replaced("\"temperature\": 2.0", "\"temperature\": -2"),
                                  replaced("\"temperature\": 2.0", "\"temperature\": \"2\""),
                                  replaced("\"data_fingerprint\"", "\"data\""),
                                  replaced("\"version\": 1", "\"version\": 2")}) {
    util::write_file_atomic(path, text);
    try {
      kept_temperature(folder.path(), header);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo);
      EXPECT_TRUE(dtrain::testing::mentions(error.what(), {kCalibrationFile}));
    }
  }
}

}  // namespace
}  // namespace dtrain::predictions
