// dtrain vote as a user calls it: what it prints, what it writes, and how it refuses.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

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

class VoteProgramTest : public ::testing::Test {
 protected:
  // Three samples of two classes with targets 0, 1, 0; logits of class 1, those of class 0 are 0.
  // The weights are named after the file.
  std::string write(const std::string& name,
                    std::vector<float> ones,
                    const std::string& data = "data") const {
    predictions::PredictionsHeader header = dtrain::testing::header_of(2);
    header.model_fingerprint = name.substr(0, 1);
    header.data_fingerprint = data;
    predictions::PredictionsIndex index;
    index.ids = {0, 1, 2};
    index.targets = {0, 1, 0};
    index.paths = {"", "", ""};
    predictions::PredictionsWriter writer(folder_ / name, header, 3);
    writer.append(index, std::vector<float>{0, ones[0], 0, ones[1], 0, ones[2]});
    writer.finish();
    return (folder_ / name).string();
  }
  ShellResult vote(const std::string& arguments) const {
    return vote_to(folder_ / "vote.h5", arguments);
  }
  ShellResult vote_to(const std::string& output, const std::string& arguments) const {
    return dtrain::testing::shell(DTRAIN_BINARY " vote " + arguments + " --output " + output);
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
  const predictions::PredictionsFile voted(folder_ / "vote.h5");
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
  // The third is wrong, by little.
  const std::string validation = " --validation " + write("a-val.h5", {-3, 2, 1}, "val") + "," +
                                 write("b-val.h5", {-1, -1, 0}, "val");
  const std::string csv = folder_ / "submission.csv";
  const ShellResult result = vote(a + " " + b + " --calibrate --csv " + csv + validation);
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output, {"The vote: temperature ", "fitted on all 3 samples"}));
  EXPECT_NE(predictions::PredictionsFile(folder_ / "vote.h5").header().temperature, 1);
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

TEST_F(VoteProgramTest, ReplacesNoFileOfAnotherKind) {
  namespace fs = std::filesystem;
  const std::string members = write("a.h5", {-1, 2, 3}) + " " + write("b.h5", {-1, -1, -4});
  const std::string validation = " --calibrate --validation " +
                                 write("a-val.h5", {-3, 2, 1}, "val") + "," +
                                 write("b-val.h5", {-1, -1, 0}, "val");
  util::write_file_atomic(folder_ / "config.json", "{\"run\": {}}");
  util::write_file_atomic(folder_ / "broken.json", "{");
  fs::create_symlink(folder_ / "config.json", folder_ / "link.json");
  // What dtrain predict --split validation writes.
  dtrain::testing::write_table(folder_ / "predictions-validation.h5", 4, 2, 4);
  const auto all = [&] {
    std::map<std::string, std::string> content;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      content[entry.path()] = util::read_file(entry.path());
    }
    return content;
  };
  const auto before = all();
  struct Case {
    std::string output, more;
    int code;
    std::vector<std::string> parts;
  };
  const std::string w = folder_ / "w.h5", a_val = folder_ / "a-val.h5";
  for (const Case& one :
       {Case{"config.h5", "", 77, {"config.json", "no record of a vote"}},
        Case{"broken.h5", "", 77, {"broken.json"}},
        Case{"link.h5", "", 77, {"link.json"}},
        Case{"predictions.h5", validation, 77, {"predictions-validation.h5"}},
        Case{"vote.json", "", 64, {"--output", "vote.json", ".h5"}},
        Case{"vote.csv", "", 64, {"--output", "vote.csv"}},
        Case{"w.h5", " --csv " + w, 64, {"--csv", w}},
        Case{"w.h5", " --csv " + (folder_ / "w.json").string(), 64, {"--csv", "record", "w.json"}},
        Case{"w.h5", " --csv " + (folder_ / "." / "a.h5").string(), 64, {"--csv", "a member"}},
        Case{"w.h5", " --csv " + a_val + validation, 64, {"--csv", "--validation", a_val}},
        Case{"w.h5",
             " --csv " + (folder_ / "w-validation.h5").string() + validation,
             64,
             {"--csv", "the vote of --validation"}},
        Case{"a.h5", "", 64, {"the vote", "a member"}},
        Case{"a-val.h5", validation, 64, {"the vote", "--validation"}}}) {
    const ShellResult result = vote_to(folder_ / one.output, members + one.more);
    EXPECT_EQ(result.code, one.code) << result.output;
    EXPECT_EQ(result.lines_with("dtrain: error: ").size(), 1U) << result.output;
    EXPECT_TRUE(mentions(result.output, one.parts));
    EXPECT_TRUE(all() == before) << one.output << one.more;
  }
  // A vote and what belongs to it may be replaced by the next one.
  for (int i = 0; i < 2; ++i) {
    const ShellResult result = vote(members + validation);
    EXPECT_EQ(result.code, 0) << result.output;
  }
}

TEST_F(VoteProgramTest, GoesOnWithoutADamagedFileWhereThereIsAQuorum) {
  const std::string a = write("a.h5", {-1, 2, 3}), b = write("b.h5", {-1, -1, -4});
  std::string bytes = util::read_file(b);
  const float logit = -4;
  bytes[bytes.find(std::string_view(reinterpret_cast<const char*>(&logit), 4))] ^= 1;
  util::write_file_atomic(b, bytes);
  EXPECT_EQ(vote(a + " " + b).code, 65);
  const ShellResult result = vote(a + " " + b + " --quorum 1");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output, {"left out " + b, "checksum"}));
}

}  // namespace
}  // namespace dtrain::cli
