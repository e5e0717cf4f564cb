// Temperatures, against torch's L-BFGS and SciPy, and what calibration never does.
#include "predictions/calibration.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "predictions/predictions.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"
#include "util/random.h"
#include "util/text.h"

namespace dtrain::predictions {
namespace {

using Json = nlohmann::json;
using dtrain::testing::mentions;

Json golden_cases() {
  std::ifstream in(DTRAIN_SOURCE_DIR "/tests/golden/scores.json");
  return Json::parse(in).at("cases");
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Samples with these targets and logits (N, K), in a file that lives as long as the table; sample i
// has id 3 i.
LabelledLogits table_of(int64_t classes,
                        const std::vector<int64_t>& targets,
                        const std::vector<float>& logits,
                        double temperature = 1) {
  const dtrain::testing::TempFolder folder;
  PredictionsHeader header = dtrain::testing::header_of(classes);
  header.temperature = temperature;
  PredictionsIndex index{.ids = {}, .targets = targets, .predicted = {}, .paths = {}};
  for (size_t i = 0; i < targets.size(); ++i) index.ids.push_back(3 * int64_t(i));
  index.paths.resize(targets.size());
  dtrain::testing::write_rows(folder / "table.h5", header, index, logits);
  return read_labelled(folder / "table.h5");
}

LabelledLogits table_of(const Json& c) {
  std::vector<float> logits;
  for (const Json& value : c.at("logits")) {
    logits.push_back(value.is_null() ? -kInfinity : value.get<float>());
  }
  return table_of(c.at("classes"), c.at("targets"), logits);
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

LabelledLogits large_table() {
  constexpr int64_t kSamples = 50'000, kClasses = 11;  // several chunks
  std::vector<float> logits = dtrain::testing::logits_of(0, kSamples, kClasses);
  std::vector<int64_t> targets;
  for (int64_t i = 0; i < kSamples; ++i) {
    targets.push_back(i * 7 % kClasses);
    logits[size_t(i * kClasses + targets.back())] += 2;
  }
  return table_of(kClasses, targets, logits);
}

TEST(Temperature, DoesNotDependOnThreads) {
  const LabelledLogits table = large_table();
  const CalibrationReport one = calibrate(table, 3, 1);
  const FittedTemperature fit = fit_temperature(table, 1);
  EXPECT_EQ(fit.problem, "");
  for (const int64_t threads : {2, 4}) {
    EXPECT_EQ(fit_temperature(table, threads).temperature, fit.temperature);
    const CalibrationReport other = calibrate(table, 3, threads);
    EXPECT_EQ(other.fit.temperature, one.fit.temperature);
    EXPECT_EQ(other.fit.nll_after, one.fit.nll_after);
    EXPECT_EQ(other.half.temperature, one.half.temperature);
    EXPECT_EQ(other.after.nll, one.after.nll);
    EXPECT_EQ(other.after.adaptive_ece, one.after.adaptive_ece);
  }
}

TEST(Temperature, IsOfTheLogitsAsTheyAreStored) {
  const Json overconfident = golden_cases().at(1);
  std::vector<float> logits = overconfident.at("logits");
  const LabelledLogits carries =
      table_of(overconfident.at("classes"), overconfident.at("targets"), logits, 3.5);
  const FittedTemperature fit = fit_temperature(carries);
  EXPECT_EQ(fit.temperature, fit_temperature(table_of(overconfident)).temperature);
  EXPECT_NEAR(fit.temperature, overconfident.at("fitted").at("scipy").get<double>(), 2e-6);
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
  const FittedTemperature fit = fit_temperature(table_of(2, {0}, {-kInfinity, 0}));
  EXPECT_EQ(fit.temperature, 1);
  EXPECT_TRUE(mentions(fit.problem, {"probability zero"}));
  for (const float broken : {kInfinity, NAN}) {
    const FittedTemperature other = fit_temperature(table_of(2, {0, 1}, {broken, 0, 0, 1}));
    EXPECT_EQ(other.temperature, 1);
    EXPECT_TRUE(mentions(other.problem, {"not a number, or infinite"}));
  }
}

void expect_kept(const LabelledLogits& table, const std::string& why) {
  const FittedTemperature fit = fit_temperature(table);
  EXPECT_EQ(fit.temperature, 1);
  EXPECT_EQ(fit.nll_after, fit.nll_before);
  EXPECT_EQ(fit.samples, table.size());
  EXPECT_TRUE(mentions(fit.problem, {why}));
}

TEST(Temperature, IsNotDrivenToTheLimitOfItsRange) {
  const std::string low = "down to 0.01", high = "up to 100";
  expect_kept(table_of(2, {1}, {0, 3}), low);                  // one sample that is right
  expect_kept(table_of(2, {1}, {0, 300}), low);                // so much that there is no slope
  expect_kept(table_of(2, {0, 1}, {0.5, 0, 0, 0.001F}), low);  // two
  expect_kept(table_of(3, {2}, {0, 3, 0}), high);              // one that is wrong
  expect_kept(table_of(2, {0, 1, 0}, {5, 0, 5, 0, 0, 4}), high);
  // All right, many, and by far.
  const std::vector<int64_t> targets(500, 1);
  std::vector<float> logits;
  for (size_t i = 0; i < targets.size(); ++i) logits.insert(logits.end(), {0, 1 + float(i), 0.5F});
  expect_kept(table_of(3, targets, logits), low);
}

// Logits are divided by what was fitted to them: what is left to gain is less than the rounding of
// the NLL, whose last bits are noise.
TEST(Temperature, OfTablesThatAreAtTheBestAlreadyIsNoProblem) {
  constexpr int64_t kSamples = 3000, kClasses = 10;
  std::vector<int64_t> targets;
  for (int64_t i = 0; i < kSamples; ++i) targets.push_back(i % kClasses);
  for (int64_t seed = 0; seed < 20; ++seed) {
    std::vector<float> logits = dtrain::testing::logits_of(seed * kSamples, kSamples, kClasses);
    for (int64_t i = 0; i < kSamples; ++i) logits[size_t(i * kClasses + i % kClasses)] += 2;
    const double best = fit_temperature(table_of(kClasses, targets, logits)).temperature;
    for (float& logit : logits) logit = float(logit / best);
    const FittedTemperature fit = fit_temperature(table_of(kClasses, targets, logits));
    EXPECT_EQ(fit.problem, "") << seed;
    EXPECT_NEAR(fit.temperature, 1, 1e-6);
  }
  // Where no temperature changes anything.
  const FittedTemperature flat = fit_temperature(table_of(2, {0, 1}, {1, 1, -2, -2}));
  EXPECT_EQ(flat.problem, "");
  EXPECT_EQ(flat.temperature, 1);
}

TEST(Temperature, StaysOneWhereTheNllWouldGetWorse) {
  // The slope leads to u = 2, where the value is higher by its last bit.
  const auto curve = [](double u) {
    return NllPoint{u == 1 ? 1e12 : std::nextafter(1e12, 2e12), u - 2};
  };
  const FittedTemperature fit = fit_temperature(curve);
  EXPECT_EQ(fit.temperature, 1);
  EXPECT_EQ(fit.nll_after, 1e12);
  EXPECT_TRUE(mentions(fit.problem, {"no better"}));
}

TEST(Temperature, SaysThatTheSearchDidNotConverge) {
  // Values that have nothing to do with the slope.
  const auto curve = [](double u) { return NllPoint{u == 1 ? 1.0 : 2.0, u - 2}; };
  const FittedTemperature fit = fit_temperature(curve);
  EXPECT_EQ(fit.temperature, 1);
  EXPECT_TRUE(mentions(fit.problem, {"did not converge"}));
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

// Targets drawn as the logits say, so that 1 is right and what few samples ask for is chance.
LabelledLogits calibrated_table(uint64_t seed, int64_t samples) {
  std::vector<float> logits;
  std::vector<int64_t> targets;
  for (int64_t i = 0; i < samples; ++i) {
    const auto draw = [&](uint64_t k) {
      return double(util::mix(seed, k, uint64_t(i)) >> 11) * 0x1p-53;
    };
    const double z = 4 * draw(0) - 2;
    logits.push_back(float(z));
    logits.push_back(0);
    targets.push_back(draw(1) < 1 / (1 + std::exp(-z)) ? 0 : 1);
  }
  return table_of(2, targets, logits);
}

TEST(Calibrate, KeepsNoTemperatureThatMakesTheSamplesWorseThatItWasNotFittedOn) {
  int64_t kept = 0, refused = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const CalibrationReport report = calibrate(calibrated_table(seed, 60), seed);
    if (!report.half.problem.empty()) continue;
    const CalibrationScores &before = report.before, &after = report.after;
    const bool is_worse =
        after.nll > before.nll || (after.ece > before.ece && after.brier > before.brier);
    if (!is_worse) {
      kept += report.fit.temperature != 1;
      continue;
    }
    ++refused;
    EXPECT_EQ(report.fit.temperature, 1) << seed;
    EXPECT_EQ(report.fit.nll_after, report.fit.nll_before);
    EXPECT_TRUE(mentions(report.fit.problem, {"worse", util::number(after.nll, "%.4f")}) ||
                mentions(report.fit.problem, {"worse", util::number(after.ece, "%.4f")}))
        << report.fit.problem;
  }
  EXPECT_GT(kept, 5);
  EXPECT_GT(refused, 5);
}

TEST(Calibrate, SaysWhyAHalfIsNotFitted) {
  const CalibrationReport report = calibrate(table_of(2, {0, 1, 0}, {2, 0, 0, 1, 1, 0}), 0);
  EXPECT_EQ(report.half.samples + report.reported, 3);
  EXPECT_EQ(report.half.temperature, 1);
  EXPECT_FALSE(report.half.problem.empty());
}

// The rows of a pass, in order, whatever their blocks.
std::vector<float> rows_of(const LabelledLogits& table, int64_t threads) {
  std::vector<float> rows;
  std::vector<int64_t> targets;
  table.pass(
      threads,
      [](LabelledBlock&) {},
      [&](const LabelledBlock& block) {
        EXPECT_EQ(block.first, int64_t(targets.size()));
        for (int64_t i = 0; i < block.size(); ++i) {
          const auto row = block.row(i);
          rows.insert(rows.end(), row.begin(), row.end());
          targets.push_back(block.targets[size_t(i)]);
        }
      });
  EXPECT_EQ(int64_t(targets.size()), table.size());
  return rows;
}

TEST(ReadLabelled, TakesSamplesThatHaveATarget) {
  const dtrain::testing::TempFolder folder;
  dtrain::testing::write_table(folder / "p.h5", 50'000, 5, 50'000);
  const LabelledLogits table = read_labelled(folder / "p.h5");
  EXPECT_EQ(table.size(), 50'000 - 50'000 / 7);
  EXPECT_EQ(table.id(6), 14);  // sample 6 has none
  std::vector<float> expected;
  for (int64_t i = 0; i < 50'000; ++i) {
    const auto row = dtrain::testing::logits_of(i, 1, 5);
    if (i % 7 != 6) expected.insert(expected.end(), row.begin(), row.end());
  }
  EXPECT_EQ(rows_of(table, 1), expected);
  EXPECT_EQ(rows_of(table, 3), expected);
}

TEST(ReadLabelled, HasPartsThatAreChosenById) {
  const dtrain::testing::TempFolder folder;
  dtrain::testing::write_table(folder / "p.h5", 20'000, 5, 20'000);
  const LabelledLogits table = read_labelled(folder / "p.h5");
  std::vector<float> expected;
  for (const int64_t i : {2, 15'001, 15'003}) {
    const auto row = dtrain::testing::logits_of(i, 1, 5);
    expected.insert(expected.end(), row.begin(), row.end());
  }
  const auto is_wanted = [](int64_t id) { return id == 4 || id == 30'002 || id == 30'006; };
  EXPECT_EQ(rows_of(table.where(is_wanted), 2), expected);
  EXPECT_EQ(rows_of(table.where([](int64_t) { return false; }), 2), std::vector<float>());
}

TEST(ReadLabelled, NoticesDamageOnTheWay) {
  const dtrain::testing::TempFolder folder;
  dtrain::testing::write_table(folder / "p.h5", 20'000, 5, 20'000);
  std::string bytes = util::read_file(folder / "p.h5");
  bytes[bytes.size() / 4] ^= 1;
  util::write_file_atomic(folder / "p.h5", bytes);
  const LabelledLogits table = read_labelled(folder / "p.h5");
  try {
    calibrate(table, 0, 2);
    FAIL() << "calibrated";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_TRUE(mentions(error.what(), {"p.h5", "/logits", "checksum"}));
  }
}

// The most memory that this process ever had, in bytes.
int64_t largest_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) << 10;
}

TEST(Calibrate, HoldsNeitherTheLogitsNorTheirHalves) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's own memory";
#endif
  constexpr int64_t kSamples = 40'000, kClasses = 250, kBytes = kSamples * kClasses * 4;
  const dtrain::testing::TempFolder folder;
  dtrain::testing::write_table(folder / "p.h5", kSamples, kClasses, 1'000);
  const int64_t before = largest_memory();
  EXPECT_GT(calibrate(read_labelled(folder / "p.h5"), 0, 2).reported, 0);
  EXPECT_LT(largest_memory() - before, kBytes / 2);
}

}  // namespace
}  // namespace dtrain::predictions
