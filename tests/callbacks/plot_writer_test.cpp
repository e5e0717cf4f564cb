// The curves in the run folder.
#include "callbacks/plot_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "callbacks/metric_logger.h"
#include "tests/callbacks/training_by_hand.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::callbacks {
namespace {

using testing::TempFolder;
using testing::TrainingByHand;

// The curves after a training that was killed at step `killed_at`, and went on from `resumed_from`.
std::string curves(const TempFolder& folder, int64_t killed_at, int64_t resumed_from) {
  const auto run = [&](int64_t from, int64_t to) {
    MetricLogger logger(folder.path(), folder / "summary.csv");
    PlotWriter plots(folder / "summary.csv", folder / "curves.svg");
    TrainingByHand().run({&logger, &plots}, from, to);
  };
  run(0, killed_at);
  if (killed_at < TrainingByHand::kAll) run(resumed_from, TrainingByHand::kAll);
  std::string text = util::read_file(folder / "curves.svg");
  const std::string name = folder.path().filename().string();  // the title
  for (size_t at; (at = text.find(name)) != std::string::npos;)
    text.replace(at, name.size(), "run");
  return text;
}

TEST(PlotWriter, DrawsLossAccuracyAndRateUnderTheNameOfTheRun) {
  TempFolder folder;
  MetricLogger logger(folder.path(), folder / "summary.csv");
  PlotWriter plots(folder / "summary.csv", folder / "curves.svg");
  TrainingByHand().run({&logger, &plots}, 0, 2);
  EXPECT_FALSE(std::filesystem::exists(folder / "curves.svg"));  // no epoch has ended
  TrainingByHand().run({&logger, &plots}, 0, 3);
  EXPECT_TRUE(testing::mentions(
      util::read_file(folder / "curves.svg"),
      {"<svg", "Loss", "Accuracy", "Learning rate", folder.path().filename().string()}));
}

TEST(PlotWriter, TheCurvesOfAResumedRunAreThoseOfAnUninterruptedOne) {
  TempFolder whole, at_boundary, within;
  const std::string expected = curves(whole, TrainingByHand::kAll, 0);
  EXPECT_EQ(curves(at_boundary, 9, 6), expected);
  EXPECT_EQ(curves(within, 8, 5), expected);
}

}  // namespace
}  // namespace dtrain::callbacks
