// dtrain calibrate as a user calls it.
#include <gtest/gtest.h>

#include <filesystem>

#include "inference/calibration.h"
#include "inference/predictions.h"
#include "tests/cli/shell.h"
#include "tests/inference/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"

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
  const double temperature = inference::fit_temperature(inference::read_labelled(path)).temperature;
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
