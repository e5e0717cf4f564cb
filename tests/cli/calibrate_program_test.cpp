// dtrain calibrate as a user calls it.
#include <gtest/gtest.h>

#include <filesystem>

#include "predictions/calibration.h"
#include "predictions/predictions.h"
#include "tests/cli/shell.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::cli {
namespace {

using dtrain::testing::mentions;
using dtrain::testing::ShellResult;

class CalibrateProgramTest : public ::testing::Test {
 protected:
  ShellResult calibrate(const std::string& arguments) const {
    return dtrain::testing::shell(DTRAIN_BINARY " calibrate " + arguments);
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(CalibrateProgramTest, PrintsBothSidesAndSaysThatThereIsNoCheckpoint) {
  const std::string path = folder_ / "validation.h5";
  dtrain::testing::write_table(path, 400, 4, 400);
  const double temperature =
      predictions::fit_temperature(predictions::read_labelled(path)).temperature;
  const ShellResult result = calibrate(path);
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output,
                       {"ECE",
                        "adaptive ECE",
                        "before",
                        "after",
                        "temperature " + std::to_string(temperature).substr(0, 5),
                        "Kept nowhere",
                        "--checkpoint"}));
}

TEST_F(CalibrateProgramTest, TakesTheOnlyPredictionsOfARun) {
  const std::filesystem::path run = folder_ / "run";
  std::filesystem::create_directory(run);
  util::write_file_atomic(run / "config.json", "{}");
  const ShellResult none = calibrate(run.string());
  EXPECT_EQ(none.code, 64) << none.output;
  EXPECT_TRUE(mentions(none.output, {"has no predictions", "dtrain predict " + run.string()}));
  dtrain::testing::write_table(run / "predictions-eval.h5", 400, 4, 400);
  const ShellResult one = calibrate(run.string());
  EXPECT_EQ(one.code, 0) << one.output;
  EXPECT_TRUE(mentions(one.output, {"predictions-eval.h5: temperature"}));
  dtrain::testing::write_table(run / "predictions-test.h5", 400, 4, 400);
  const ShellResult two = calibrate(run.string());
  EXPECT_EQ(two.code, 64) << two.output;
  EXPECT_TRUE(mentions(two.output, {"predictions-eval.h5, ", "predictions-test.h5", "name one"}));
}

TEST_F(CalibrateProgramTest, LeavesTheTemperatureAsideThatTheFileCarries) {
  const auto write = [&](const std::string& name, double temperature) {
    predictions::PredictionsHeader header = dtrain::testing::header_of(4);
    header.temperature = temperature;
    dtrain::testing::write_rows(folder_ / name,
                                header,
                                dtrain::testing::index_of(0, 400, 4),
                                dtrain::testing::logits_of(0, 400, 4));
    return calibrate(folder_ / name);
  };
  const ShellResult plain = write("plain.h5", 1), carrying = write("carrying.h5", 2.5);
  const auto temperature = [](const ShellResult& result) {
    const size_t at = result.output.find(": temperature ");
    return result.output.substr(at, result.output.find(" fitted on all", at) - at);
  };
  EXPECT_FALSE(temperature(plain).empty()) << plain.output;
  EXPECT_EQ(temperature(carrying), temperature(plain));
  EXPECT_TRUE(mentions(carrying.output, {"carrying.h5", "left aside"}));
  EXPECT_EQ(plain.output.find("left aside"), std::string::npos);
}

TEST_F(CalibrateProgramTest, SaysWhyATemperatureStaysOne) {
  predictions::PredictionsIndex index;
  index.ids = {0, 1};
  index.targets = {0, 1};
  index.paths = {"", ""};
  dtrain::testing::write_rows(
      folder_ / "two.h5", dtrain::testing::header_of(2), index, {3, 0, 0, 2});
  const ShellResult result = calibrate(folder_ / "two.h5");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output, {"two.h5 stays as it is: no temperature down to 0.01"}));
}

TEST_F(CalibrateProgramTest, DrawsADiagramInTheFormatThatItsNameEndsIn) {
  const std::string path = folder_ / "validation.h5";
  dtrain::testing::write_table(path, 400, 4, 400);
  for (const auto& [name, start] :
       {std::pair{"diagram.svg", "<svg xmlns="}, std::pair{"diagram.png", "\x89PNG\r\n"}}) {
    const ShellResult result = calibrate(path + " --diagram " + (folder_ / name).string());
    EXPECT_EQ(result.code, 0) << result.output;
    EXPECT_TRUE(util::read_file(folder_ / name).starts_with(start)) << name;
  }
  EXPECT_TRUE(
      mentions(util::read_file(folder_ / "diagram.svg"), {"as it is: ECE", "pictures/test"}));
  const ShellResult other = calibrate(path + " --diagram " + (folder_ / "diagram.gif").string());
  EXPECT_EQ(other.code, 64) << other.output;
  EXPECT_TRUE(mentions(other.output, {"diagram.gif", ".svg"}));
}

TEST_F(CalibrateProgramTest, RefusesWhatItCannotUse) {
  const std::string none = folder_ / "none.h5";
  struct Case {
    std::string arguments;
    int code;
    std::vector<std::string> parts;
  };
  for (const Case& one : {Case{"", 64, {"0 files"}},
                          Case{"a.h5 b.h5", 64, {"2 files"}},
                          Case{none + " --ceckpoint x", 64, {"--ceckpoint", "--checkpoint"}},
                          Case{none, 65, {none}}}) {
    const ShellResult result = calibrate(one.arguments);
    EXPECT_EQ(result.code, one.code) << result.output;
    EXPECT_EQ(result.lines_with("dtrain: error: ").size(), 1U) << result.output;
    EXPECT_TRUE(mentions(result.output, one.parts));
  }
}

}  // namespace
}  // namespace dtrain::cli
