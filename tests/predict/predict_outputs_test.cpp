// Which files predictions are written to.
#include "predict/predict_outputs.h"

#include <gtest/gtest.h>

#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::predict {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::mentions;
using Paths = std::vector<fs::path>;

class PredictOutputsTest : public ::testing::Test {
 protected:
  NamedCheckpoint checkpoint(const std::string& run, const std::string& name) const {
    return {run + "/" + name, root_ / run / "checkpoints" / name};
  }
  std::string refusal(const std::vector<NamedCheckpoint>& checkpoints,
                      const std::string& output,
                      const std::string& csv = "") const {
    try {
      prediction_paths(checkpoints, "eval", output, {{"--csv", csv}});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    return "";
  }

  dtrain::testing::TempFolder folder_;
  const fs::path root_ = fs::canonical(folder_.path()), out_ = root_ / "out";
};

TEST_F(PredictOutputsTest, OfOneCheckpointIsTheOutputOrTheSplitInItsRun) {
  const auto one = checkpoint("a", "step-1");
  EXPECT_EQ(prediction_paths({one}, "test", ""), Paths{root_ / "a/predictions-test.h5"});
  EXPECT_EQ(prediction_paths({one}, "test", out_ / "x.h5"), Paths{out_ / "x.h5"});
  const NamedCheckpoint elsewhere{"step-1", root_ / "step-1"};
  EXPECT_EQ(prediction_paths({elsewhere}, "test", ""), Paths{"predictions-test.h5"});
}

TEST_F(PredictOutputsTest, OfSeveralRunsHaveTheRunsNames) {
  const auto a = checkpoint("a", "step-1"), b = checkpoint("b", "step-1");
  EXPECT_EQ(prediction_paths({a, b}, "eval", out_), (Paths{out_ / "a.h5", out_ / "b.h5"}));
  EXPECT_EQ(prediction_paths({a, b}, "eval", ""),
            (Paths{root_ / "a/predictions-eval.h5", root_ / "b/predictions-eval.h5"}));
}

TEST_F(PredictOutputsTest, OfTwoCheckpointsOfARunHaveTheCheckpointsNamesToo) {
  const auto first = checkpoint("a", "step-1"), second = checkpoint("a", "step-2"),
             other = checkpoint("b", "step-2");
  EXPECT_EQ(prediction_paths({first, other, second}, "eval", out_),
            (Paths{out_ / "a-step-1.h5", out_ / "b.h5", out_ / "a-step-2.h5"}));
  EXPECT_EQ(
      prediction_paths({first, second}, "eval", ""),
      (Paths{root_ / "a/predictions-eval-step-1.h5", root_ / "a/predictions-eval-step-2.h5"}));
}

TEST_F(PredictOutputsTest, ThatWouldStillBeOneFileAreRefusedWithBothNames) {
  const auto one = checkpoint("x/run", "step-1"), other = checkpoint("y/run", "step-1");
  EXPECT_TRUE(mentions(refusal({one, other}, out_),
                       {"x/run/step-1", "y/run/step-1", (out_ / "run-step-1.h5").string()}));
  EXPECT_EQ(refusal({one, other}, ""), "");
  // A link and what it leads to.
  const NamedCheckpoint best{"best", one.path}, last{"last", one.path};
  EXPECT_TRUE(mentions(refusal({best, last}, ""), {"best and last are the same checkpoint"}));
  // A run that is named as another one's file came to be.
  EXPECT_TRUE(mentions(
      refusal(
          {checkpoint("a-step-1", "step-9"), checkpoint("a", "step-1"), checkpoint("a", "step-2")},
          out_),
      {"a-step-1/step-9", "a/step-1"}));
}

TEST_F(PredictOutputsTest, AreSeenThroughLinksToFolders) {
  fs::create_directories(root_ / "real");
  fs::create_directory_symlink(root_ / "real", root_ / "link");
  const auto one = checkpoint("real", "step-1"), two = checkpoint("link", "step-2");
  EXPECT_EQ(prediction_paths({one, two}, "eval", "").at(1),
            root_ / "real/predictions-eval-step-2.h5");
}

TEST_F(PredictOutputsTest, AreNotReplacedByTheCsv) {
  const auto one = checkpoint("a", "step-1");
  const std::string same = out_ / "x.h5", other = out_ / "x.csv";
  EXPECT_TRUE(mentions(refusal({one}, same, same), {"--csv", same}));
  EXPECT_TRUE(mentions(refusal({one}, same, out_ / "." / "x.h5"), {"--csv"}));
  EXPECT_EQ(refusal({one}, same, other), "");
}

}  // namespace
}  // namespace dtrain::predict
