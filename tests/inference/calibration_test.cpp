// Temperatures, against torch's L-BFGS and SciPy, and what calibration never does.
#include "inference/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "inference/predictions.h"
#include "tests/inference/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"

namespace dtrain::inference {
namespace {

using Json = nlohmann::json;

Json golden_cases() {
  std::ifstream in(DTRAIN_SOURCE_DIR "/tests/golden/scores.json");
  return Json::parse(in).at("cases");
}

LabelledLogits table_of(const Json& c) {
  LabelledLogits table{
      .classes = c.at("classes"), .ids = {}, .targets = c.at("targets"), .logits = {}};
  for (const Json& value : c.at("logits")) {
    table.logits.push_back(value.is_null() ? -std::numeric_limits<float>::infinity()
                                           : value.get<float>());
  }
  for (int64_t i = 0; i < table.size(); ++i) table.ids.push_back(3 * i);
  return table;
}

TEST(Temperature, IsThatOfTorchAndSciPy) {
  int fitted = 0;
  for (const Json& c : golden_cases()) {
    if (!c.contains("fitted")) continue;
    SCOPED_TRACE(c.at("name").get<std::string>());
    const FittedTemperature fit = fit_temperature(table_of(c));
    EXPECT_EQ(fit.problem, "");
    EXPECT_NEAR(fit.temperature, c.at("fitted").at("torch").get<double>(), 2e-6);
    EXPECT_NEAR(fit.temperature, c.at("fitted").at("scipy").get<double>(), 2e-6);
    EXPECT_LT(fit.nll_after, fit.nll_before);
    ++fitted;
  }
  EXPECT_EQ(fitted, 5);
}

TEST(Temperature, DoesNotDependOnThreads) {
  LabelledLogits table{.classes = 11, .ids = {}, .targets = {}, .logits = {}};
  for (int64_t i = 0; i < 5000; ++i) {
    table.ids.push_back(i);
    table.targets.push_back(i * 7 % 11);
  }
  table.logits = dtrain::testing::logits_of(0, 5000, 11);
  const double one = fit_temperature(table, 1).temperature;
  for (const int64_t threads : {2, 4}) EXPECT_EQ(fit_temperature(table, threads).temperature, one);
}

TEST(Temperature, NeverMakesTheFittedSamplesWorseAndStaysInItsBounds) {
  for (const Json& c : golden_cases()) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const LabelledLogits table = table_of(c);
    const FittedTemperature fit = fit_temperature(table);
    EXPECT_GE(fit.temperature, 0.01);
    EXPECT_LE(fit.temperature, 100);
    EXPECT_TRUE(fit.nll_after <= fit.nll_before);
    EXPECT_TRUE(std::isfinite(fit.nll_after) || fit.temperature == 1);
  }
}

TEST(Temperature, SaysWhyItIsOneWhereATargetHasNoProbability) {
  LabelledLogits table{.classes = 2,
                       .ids = {0},
                       .targets = {0},
                       .logits = {-std::numeric_limits<float>::infinity(), 0}};
  const FittedTemperature fit = fit_temperature(table);
  EXPECT_EQ(fit.temperature, 1);
  EXPECT_NE(fit.problem.find("probability zero"), std::string::npos);
}

TEST(Temperature, OfSamplesThatAreAllRightIsTheLowest) {
  const LabelledLogits table{.classes = 2, .ids = {0}, .targets = {1}, .logits = {0, 3}};
  const FittedTemperature fit = fit_temperature(table);
  EXPECT_LT(fit.temperature, 0.2);
  EXPECT_GE(fit.temperature, 0.01);
  EXPECT_LE(fit.nll_after, fit.nll_before);
}

TEST(Calibrate, FitsOnOneHalfAndReportsOnTheOther) {
  const LabelledLogits table = table_of(golden_cases().at(1));  // overconfident
  const CalibrationReport report = calibrate(table, 1);
  EXPECT_EQ(report.half.samples + report.reported, table.size());
  EXPECT_GT(report.half.samples, table.size() / 3);
  EXPECT_LT(report.half.samples, table.size() * 2 / 3);
  EXPECT_EQ(report.fit.samples, table.size());
  EXPECT_NE(report.half.temperature, report.fit.temperature);
  EXPECT_LT(report.after.nll, report.before.nll);
  EXPECT_LT(report.after.ece, report.before.ece / 2);
  EXPECT_EQ(report.after.top1, report.before.top1);
  EXPECT_NE(calibrate(table, 2).half.temperature, report.half.temperature);  // another half
}

TEST(ReadLabelled, TakesSamplesThatHaveATarget) {
  const dtrain::testing::TempFolder folder;
  dtrain::testing::write_table(folder / "p.h5", 1000, 5, 1000);
  const LabelledLogits table = read_labelled(folder / "p.h5");
  EXPECT_EQ(table.size(), 1000 - 1000 / 7);
  EXPECT_EQ(table.ids[6], 14);  // sample 6 has none
  EXPECT_EQ(table.row(6)[2], dtrain::testing::logit_of(7, 2));
}

}  // namespace
}  // namespace dtrain::inference
