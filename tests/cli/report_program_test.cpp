// dtrain report as a user calls it: where the page goes, and what is refused.
#include <gtest/gtest.h>

#include "tests/cli/shell.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::cli {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::mentions;
using dtrain::testing::ShellResult;
using Names = std::vector<std::string>;

class ReportProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(run_);
    write(run_ / "config.json", R"({"run": {"epochs": 3}})");
  }
  static void write(const fs::path& path, const std::string& text) {
    util::write_file_atomic(path, text);
  }
  // Two members and their vote, which is on samples of no data set.
  void vote() const {
    for (const char* name : {"a", "b"}) {
      dtrain::testing::write_table(ensemble_ / "members" / name / "predictions-test.h5", 60, 3, 60);
    }
    const ShellResult result = dtrain::testing::shell(
        DTRAIN_BINARY " vote " + (ensemble_ / "members").string() +
        "/*/predictions-test.h5 --output " + (ensemble_ / "vote.h5").string());
    ASSERT_EQ(result.code, 0) << result.output;
  }
  ShellResult report(const std::string& arguments, const fs::path& from = "/") const {
    return dtrain::testing::shell("cd " + from.string() + " && " DTRAIN_BINARY " report " +
                                  arguments);
  }
  dtrain::testing::TempFolder folder_;
  const fs::path run_ = folder_ / "20250131-120000-first", ensemble_ = folder_ / "ensemble";
};

TEST_F(ReportProgramTest, PutsThePageIntoTheRunWhicheverWayTheRunIsNamed) {
  const fs::path page = run_ / "report.html";
  for (const auto& [from, name] : {std::pair{folder_.path(), run_.string()},
                                   std::pair{folder_.path(), run_.filename().string() + "/"},
                                   std::pair{run_, std::string(".")}}) {
    const ShellResult result = report(name, from);
    EXPECT_EQ(result.code, 0) << result.output;
    EXPECT_TRUE(mentions(result.output, {"Wrote: ", "report.html"}));
    EXPECT_TRUE(mentions(util::read_file(page),
                         {"<title>20250131-120000-first</title>", "No epoch of this run"}));
    fs::remove(page);
  }
}

TEST_F(ReportProgramTest, PutsThePageWhereOutputSays) {
  const fs::path page = folder_ / "page.html";
  const ShellResult result = report(run_.string() + " --output " + page.string());
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output, {"Wrote: " + page.string()}));
  EXPECT_TRUE(fs::exists(page));
  EXPECT_FALSE(fs::exists(run_ / "report.html"));
}

TEST_F(ReportProgramTest, TakesAVoteAndTheFolderOfOne) {
  vote();
  for (const auto& [from, name] : {std::pair{folder_.path(), ensemble_.string()},
                                   std::pair{folder_.path(), (ensemble_ / "vote.h5").string()},
                                   std::pair{ensemble_, std::string("vote.h5")},
                                   std::pair{ensemble_, std::string(".")},
                                   std::pair{run_, std::string("../ensemble")}}) {
    const ShellResult result = report(name, from);
    EXPECT_EQ(result.code, 0) << name << ": " << result.output;
    const fs::path page = ensemble_ / "report.html";
    ASSERT_TRUE(fs::exists(page)) << name;
    EXPECT_TRUE(mentions(util::read_file(page),
                         {"<title>ensemble</title>",
                          "Gain over the best member",
                          "<td>members/a/predictions-test.h5</td>",
                          "<td>members/b/predictions-test.h5</td>"}))
        << name;
    fs::remove(page);
  }
}

TEST_F(ReportProgramTest, RefusesWhatDoesNotFitWithTheRightExitCode) {
  vote();
  const fs::path empty = folder_ / "empty", none = folder_ / "none", broken = folder_ / "broken",
                 odd = folder_ / "odd";
  for (const fs::path& path : {empty, broken, odd}) fs::create_directory(path);
  fs::copy(ensemble_ / "vote.h5", broken);
  write(broken / "vote.json", "{");
  write(odd / "config.json", R"({"run": {"epoch": 3}})");
  const std::string member = ensemble_ / "members/a/predictions-test.h5";
  struct Case {
    std::string arguments;
    int code;
    Names parts;
  };
  for (const Case& one :
       {Case{"", 64, {"0 folders", "usage: dtrain report"}},
        Case{run_.string() + " " + run_.string(), 64, {"2 folders"}},
        Case{run_.string() + " --config x.json", 64, {"--config"}},
        Case{run_.string() + " --outputs x", 64, {"--outputs", "--output"}},
        Case{run_.string() + " --hardest 2000", 64, {"hardest"}},
        Case{none.string(), 74, {none.string(), "neither a run nor an ensemble"}},
        Case{empty.string(), 74, {empty.string(), "neither a run nor an ensemble"}},
        Case{member, 74, {member, "no record of a vote"}},
        Case{broken.string(), 74, {(broken / "vote.json").string()}},
        Case{run_.string() + " --output " + member + "/page.html", 74, {member + "/page.html"}},
        Case{odd.string(), 78, {"epoch"}},
        Case{run_.string() + " --lr -2", 78, {"optimizer.lr"}}}) {
    const ShellResult result = report(one.arguments);
    EXPECT_EQ(result.code, one.code) << one.arguments << "\n" << result.output;
    EXPECT_EQ(result.lines_with("dtrain: error: ").size(), 1U) << result.output;
    EXPECT_TRUE(mentions(result.output, one.parts));
  }
  EXPECT_FALSE(fs::exists(run_ / "report.html"));
}

TEST_F(ReportProgramTest, APageThatCannotBeMadeLeavesTheOlderOne) {
  ASSERT_EQ(report(run_.string()).code, 0);
  const std::string older = util::read_file(run_ / "report.html");
  write(run_ / "predictions-eval.h5", "damaged");
  const ShellResult result = report(run_.string());
  EXPECT_EQ(result.code, 65) << result.output;
  EXPECT_TRUE(mentions(result.output, {(run_ / "predictions-eval.h5").string()}));
  EXPECT_EQ(util::read_file(run_ / "report.html"), older);
}

}  // namespace
}  // namespace dtrain::cli
