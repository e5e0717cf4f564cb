// dtrain vote as a user calls it: what it prints, what it writes, and how it refuses.
#include <gtest/gtest.h>

#include "inference/predictions.h"
#include "tests/cli/shell.h"
#include "tests/inference/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::cli {
namespace {

using dtrain::testing::mentions;
using dtrain::testing::ShellResult;

class VoteProgramTest : public ::testing::Test {
 protected:
  // Three samples of two classes with targets 0, 1, 0; logits of class 1, those of class 0 are 0.
  // The weights are named after the file.
  std::string write(const std::string& name,
                    std::vector<float> ones,
                    const std::string& data = "data") const {
    inference::PredictionsHeader header = dtrain::testing::header_of(2);
    header.model_fingerprint = name.substr(0, 1);
    header.data_fingerprint = data;
    inference::PredictionsIndex index;
    index.ids = {0, 1, 2};
    index.targets = {0, 1, 0};
    index.paths = {"", "", ""};
    inference::PredictionsWriter writer(folder_ / name, header, 3);
    writer.append(index, std::vector<float>{0, ones[0], 0, ones[1], 0, ones[2]});
    writer.finish();
    return (folder_ / name).string();
  }
  ShellResult vote(const std::string& arguments) const {
    return dtrain::testing::shell(DTRAIN_BINARY " vote " + arguments + " --output " +
                                  (folder_ / "vote.h5").string());
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(VoteProgramTest, PrintsMembersVoteOracleAndGain) {
  const std::string a = write("a.h5", {-1, 2, 3}), b = write("b.h5", {-1, -1, -4}),
                    c = write("c.h5", {2, 1, -1});
  const ShellResult result = vote(a + " " + b + " " + c);
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output,
                       {"A         66.667  0.000 to 100.000    0.3333",
                        "vote     100.000",
                        "oracle   100.000",
                        "disagreement",
                        "error correlation",
                        "Gain over the best member (A): +33.333 points, 95 % interval ",
                        "right alone: 0 and 1; McNemar's test (exact): p = 1; 3 samples"}));
  const inference::PredictionsFile voted(folder_ / "vote.h5");
  EXPECT_EQ(voted.index().predicted, (std::vector<int64_t>{0, 1, 0}));
}

TEST_F(VoteProgramTest, TakesWeightsAndFindsThem) {
  const std::string a = write("a.h5", {-1, 2, 3}), b = write("b.h5", {-1, -1, -4});
  const ShellResult given = vote(a + " " + b + " --weights 1,3");
  EXPECT_TRUE(mentions(given.output, {"0.2500", "0.7500", "weighted"}));
  const std::string validation = " --validation " + write("a-val.h5", {-1, 2, -3}, "val") + "," +
                                 write("b-val.h5", {-1, -1, -4}, "val");
  const ShellResult found = vote(a + " " + b + " --weights accuracy" + validation);
  EXPECT_TRUE(mentions(found.output, {"0.6000", "0.4000", "weighted"}));
}

TEST_F(VoteProgramTest, CalibratesTheVoteAndWritesASubmission) {
  const std::string a = write("a.h5", {-1, 2, 3}), b = write("b.h5", {-1, -1, -4});
  const std::string validation = " --validation " + write("a-val.h5", {-1, 2, 3}, "val") + "," +
                                 write("b-val.h5", {-1, -1, 4}, "val");
  const std::string csv = folder_ / "submission.csv";
  const ShellResult result = vote(a + " " + b + " --calibrate --csv " + csv + validation);
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output, {"The vote: temperature ", "fitted on all 3 samples"}));
  EXPECT_NE(inference::PredictionsFile(folder_ / "vote.h5").header().temperature, 1);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "vote-validation.h5"));
  EXPECT_EQ(util::read_file(csv), "Id,Category\n0000,class 0\n0001,class 1\n0002,class 0\n");
  const ShellResult same = vote(a + " " + b + " --calibrate --validation " + a + "," + b);
  EXPECT_EQ(same.code, 65) << same.output;
  EXPECT_TRUE(mentions(same.output, {"the same samples"}));
}

TEST_F(VoteProgramTest, RefusesWhatDoesNotFitWithTheRightExitCode) {
  const std::string a = write("a.h5", {-1, 2, 3});
  dtrain::testing::write_table(folder_ / "other.h5", 4, 2, 4);
  const std::string other = folder_ / "other.h5", none = folder_ / "none.h5";
  struct Case {
    std::string arguments;
    int code;
    std::vector<std::string> parts;
  };
  for (const Case& one : {Case{"", 64, {"no files"}},
                          Case{a + " --weights 1,2", 64, {"--weights", "1,2"}},
                          Case{a + " --weights fitted", 64, {"--validation"}},
                          Case{a + " --rule hard --weights 1", 64, {"--rule soft"}},
                          Case{a + " --rule loud", 64, {"loud", "soft"}},
                          Case{a + " " + other, 65, {a, other}},
                          Case{none, 65, {none}}}) {
    const ShellResult result = vote(one.arguments);
    EXPECT_EQ(result.code, one.code) << result.output;
    EXPECT_EQ(result.lines_with("dtrain: error: ").size(), 1U) << result.output;
    EXPECT_TRUE(mentions(result.output, one.parts));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "vote.h5"));
  }
}

}  // namespace
}  // namespace dtrain::cli
