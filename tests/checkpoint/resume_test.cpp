// Which checkpoint a run continues from, with sound and damaged ones around.
#include "checkpoint/resume.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"
#include "util/hash.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::TempFolder;

class ResumeTest : public ::testing::Test {
 protected:
  fs::path save(const std::string& run, int64_t step) {
    CheckpointStore store(temp_ / run / "checkpoints", {.keep_last = 10});
    return store
        .save({step, 0, step},
              config::Json::object(),
              false,
              [](const fs::path& folder) {
                util::write_file_atomic(folder / "a", "x");
                return std::vector<FileRecord>{{"a", 1, util::hash_hex("x")}};
              })
        .path;
  }
  void damage(const fs::path& checkpoint) { std::ofstream(checkpoint / "a") << "y"; }
  std::optional<ResumePoint> automatic(const std::string& experiment = "exp") {
    return resolve_resume("auto", temp_.path(), experiment);
  }
  // The step that "auto" finds; -1 for none.
  int64_t automatic_step(const std::string& experiment = "exp") {
    auto point = automatic(experiment);
    return point ? point->manifest.position.step : -1;
  }
  TempFolder temp_;
};

TEST_F(ResumeTest, NothingWasAskedForSoNothingIsFound) {
  save("20250101-000000-exp", 5);
  EXPECT_FALSE(resolve_resume("", temp_.path(), "exp"));
}

TEST_F(ResumeTest, AutoStartsAnewWhereThereIsNothing) {
  EXPECT_EQ(automatic_step(), -1);
  EXPECT_FALSE(resolve_resume("auto", temp_ / "none", "exp"));
  fs::create_directories(temp_ / "20250101-000000-exp" / "checkpoints");
  EXPECT_EQ(automatic_step(), -1);
}

TEST_F(ResumeTest, AutoTakesTheLastCheckpointOfTheNewestRun) {
  save("20250101-000000-exp", 50);
  save("20250301-120000-exp", 3);
  save("20250301-120000-exp", 4);
  save("20250201-000000-exp", 70);
  auto point = automatic();
  ASSERT_TRUE(point);
  EXPECT_EQ(point->checkpoint, temp_ / "20250301-120000-exp" / "checkpoints" / "step-00000004");
  EXPECT_EQ(point->manifest.position.step, 4);
  EXPECT_TRUE(point->warnings.empty());
}

TEST_F(ResumeTest, AutoLooksAtRunsOfThisExperimentOnly) {
  save("20250101-000000-exp", 1);
  save("20250201-000000-my-exp", 2);
  save("20250202-000000-exp2", 3);
  save("20250203-000000-exp-2", 4);  // an experiment called exp-2
  save("x20250204-000000-exp", 5);
  save("20250205-0000-exp", 6);
  EXPECT_EQ(automatic_step("exp"), 1);
  EXPECT_EQ(automatic_step("my-exp"), 2);
  EXPECT_EQ(automatic_step("exp-2"), 4);
  EXPECT_EQ(automatic_step("none"), -1);
}

TEST_F(ResumeTest, AutoKnowsTheNumberOfASecondRunInTheSameSecond) {
  save("20250101-000000-exp", 1);
  save("20250101-000000-exp-2", 2);
  save("20250101-000000-exp-10", 3);
  EXPECT_EQ(automatic_step(), 3);
}

TEST_F(ResumeTest, AutoPassesOverRunsWithoutCheckpointAndSaysSo) {
  save("20250101-000000-exp", 1);
  fs::create_directories(temp_ / "20250201-000000-exp" / "checkpoints");
  auto point = automatic();
  ASSERT_TRUE(point);
  EXPECT_EQ(point->manifest.position.step, 1);
  ASSERT_EQ(point->warnings.size(), 1u);
  EXPECT_NE(point->warnings[0].find("20250201-000000-exp: it holds no checkpoint"),
            std::string::npos);
}

TEST_F(ResumeTest, ADamagedLastFallsBackToTheOneBeforeWithAWarning) {
  save("20250101-000000-exp", 1);
  save("20250101-000000-exp", 2);
  damage(save("20250101-000000-exp", 3));
  auto point = automatic();
  ASSERT_TRUE(point);
  EXPECT_EQ(point->manifest.position.step, 2);
  ASSERT_EQ(point->warnings.size(), 1u);
  EXPECT_NE(point->warnings[0].find("step-00000003/a: checksum does not match"), std::string::npos);
}

TEST_F(ResumeTest, WithEveryCheckpointDamagedItRefuses) {
  damage(save("20250101-000000-exp", 1));
  damage(save("20250101-000000-exp", 2));
  std::string text = error_text([&] { automatic(); });
  EXPECT_NE(text.find("every checkpoint is damaged, the newest: "), std::string::npos) << text;
  EXPECT_NE(text.find("step-00000002/a"), std::string::npos) << text;
  EXPECT_NE(text.find("without --resume"), std::string::npos) << text;
}

TEST_F(ResumeTest, CheckpointsBeyondLastBelongToABranchThatWasLeft) {
  save("20250101-000000-exp", 1);
  save("20250101-000000-exp", 2);
  fs::path last = save("20250101-000000-exp", 3).parent_path() / "last";
  fs::remove(last);
  fs::create_directory_symlink("step-00000002", last);
  EXPECT_EQ(automatic_step(), 2);
  fs::remove(last);
  EXPECT_EQ(automatic_step(), 3);  // without `last` the newest counts
}

TEST_F(ResumeTest, APathMayBeACheckpointALinkTheFolderOrTheRun) {
  save("20250101-000000-exp", 1);
  const fs::path second = save("20250101-000000-exp", 2);
  const fs::path run = temp_ / "20250101-000000-exp";
  auto step_of = [&](const fs::path& path) {
    auto point = resolve_resume(path.string(), "elsewhere", "other");
    EXPECT_FALSE(fs::is_symlink(point->checkpoint));
    return point->manifest.position.step;
  };
  EXPECT_EQ(step_of(run / "checkpoints" / "step-00000001"), 1);
  EXPECT_EQ(step_of(run / "checkpoints" / "last"), 2);
  EXPECT_EQ(step_of(run / "checkpoints"), 2);
  EXPECT_EQ(step_of(run), 2);
  EXPECT_EQ(step_of(run.string() + "/"), 2);
}

TEST_F(ResumeTest, ACheckpointThatIsNamedMustBeSound) {
  save("20250101-000000-exp", 1);
  const fs::path second = save("20250101-000000-exp", 2);
  damage(second);
  std::string text = error_text([&] { resolve_resume(second.string(), "", ""); });
  EXPECT_NE(text.find("step-00000002/a: checksum does not match"), std::string::npos) << text;
  // The run as a whole may still fall back.
  EXPECT_EQ(
      resolve_resume((temp_ / "20250101-000000-exp").string(), "", "")->manifest.position.step, 1);
}

TEST_F(ResumeTest, APathThatHoldsNothingIsNamed) {
  std::string text = error_text([&] { resolve_resume((temp_ / "none").string(), "", ""); });
  EXPECT_NE(text.find("none: no such checkpoint"), std::string::npos) << text;
  fs::create_directories(temp_ / "run" / "checkpoints");
  text = error_text([&] { resolve_resume((temp_ / "run").string(), "", ""); });
  EXPECT_NE(text.find("run/checkpoints: it holds no checkpoint"), std::string::npos) << text;
}

TEST_F(ResumeTest, BestAndLastAreOfTheNewestRunWithACheckpointOfWhateverExperiment) {
  save("20250101-000000-exp", 7);
  save("20250201-000000-other", 1);
  fs::create_directory_symlink("step-00000001",
                               temp_ / "20250201-000000-other" / "checkpoints" / "best");
  const fs::path last = save("20250201-000000-other", 2);
  fs::create_directories(temp_ / "20250301-000000-exp" / "checkpoints");  // failed in set-up
  for (const auto& [word, step] : {std::pair{"best", 1}, std::pair{"last", 2}}) {
    const auto point = resolve_resume(word, temp_.path(), "exp");
    ASSERT_TRUE(point);
    EXPECT_EQ(point->manifest.position.step, step);
    ASSERT_EQ(point->warnings.size(), 1U);
    EXPECT_EQ(point->warnings[0].find("passing over the run"), 0U);
    EXPECT_EQ(find_checkpoint(word, temp_.path()).filename(), checkpoint_name(step));
  }
  EXPECT_EQ(resolve_resume("auto", temp_.path(), "")->checkpoint, last);
  EXPECT_EQ(find_checkpoint((temp_ / "20250201-000000-other").string(), "").filename(),
            checkpoint_name(1));
  for (const char* word : {"best", "last"}) {
    EXPECT_NE(error_text([&] { resolve_resume(word, temp_ / "none", ""); }).find("no run in"),
              std::string::npos);
    EXPECT_NE(error_text([&] { find_checkpoint(word, temp_ / "none"); }).find("no run in"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace dtrain::checkpoint
