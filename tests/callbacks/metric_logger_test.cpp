// Rows and events of a run, and that a resumed run leaves those of an uninterrupted one.
#include "callbacks/metric_logger.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "render/csv_writer.h"
#include "render/event_file.h"
#include "tests/callbacks/training_by_hand.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::callbacks {
namespace {

using testing::names_in;
using testing::TempFolder;
using testing::TrainingByHand;
using Texts = std::vector<std::string>;

MetricLogger logger_in(const TempFolder& folder) { return {folder.path(), folder / "summary.csv"}; }

// "train 4", "eval 6", ...: events of all files in the order of their names, which is that in which
// they were made. What carries neither (versions, session starts) is left out.
Texts events_in(const TempFolder& folder) {
  Texts found;
  for (const std::string& name : names_in(folder.path())) {
    if (name.rfind("events.", 0) != 0) continue;
    const std::string content = util::read_file(folder / name);
    size_t offset = 0;
    while (const auto payload = render::next_record(content, offset)) {
      for (const std::string part : {"train", "eval"}) {
        if (payload->find(part + "/loss") == std::string_view::npos) continue;
        found.push_back(part + " " + std::to_string(*render::step_of_event(*payload)));
      }
    }
    EXPECT_EQ(offset, content.size()) << name << " is not a whole number of records";
  }
  return found;
}

// The rows without their seconds, which no two runs share.
std::vector<Texts> rows_in(const TempFolder& folder) {
  const render::CsvTable table = render::read_csv(folder / "summary.csv");
  std::vector<Texts> rows;
  for (const Texts& row : table.rows) {
    rows.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      if (table.columns[i] != "seconds") rows.back().push_back(row[i]);
    }
  }
  return rows;
}

TEST(MetricLogger, WritesARowForEachEpoch) {
  TempFolder folder;
  auto logger = logger_in(folder);
  TrainingByHand().run({&logger});
  const auto table = render::read_csv(folder / "summary.csv");
  using Numbers = std::vector<double>;
  EXPECT_EQ(table.numbers("epoch"), (Numbers{0, 1, 2, 3}));
  EXPECT_EQ(table.numbers("step"), (Numbers{3, 6, 9, 12}));
  EXPECT_EQ(table.numbers("train_loss"), (Numbers{17, 14, 11, 8}));
  EXPECT_EQ(table.numbers("train_top1"), (Numbers{3, 6, 9, 12}));
  EXPECT_EQ(table.numbers("train_top5"), (Numbers{6, 12, 18, 24}));
  EXPECT_EQ(table.numbers("eval_loss"), (Numbers{16, 13, 10, 7}));
  EXPECT_EQ(table.numbers("eval_top1"), (Numbers{4, 7, 10, 13}));
  EXPECT_EQ(table.numbers("eval_top5"), (Numbers{7, 13, 19, 25}));
  EXPECT_EQ(table.numbers("lr"), (Numbers{1 / 4.0, 1 / 7.0, 1 / 10.0, 1 / 13.0}));
}

TEST(MetricLogger, ARowIsOnDiskWhenTheHookOfItsEpochReturns) {
  TempFolder folder;
  auto logger = logger_in(folder);
  TrainingByHand().run({&logger}, 0, 6);
  EXPECT_EQ(rows_in(folder).size(), 2U);
}

TEST(MetricLogger, AnEpochWithoutEvaluationHasEmptyCellsAndNotThoseOfTheLastOne) {
  TempFolder folder;
  auto logger = logger_in(folder);
  TrainingByHand{.not_evaluated = {1}}.run({&logger});
  const auto table = render::read_csv(folder / "summary.csv");
  for (const std::string column : {"eval_loss", "eval_top1", "eval_top5"}) {
    const auto numbers = table.numbers(column);
    ASSERT_EQ(numbers.size(), 4U);
    EXPECT_FALSE(std::isnan(numbers[0])) << column;
    EXPECT_TRUE(std::isnan(numbers[1])) << column;
    EXPECT_FALSE(std::isnan(numbers[2])) << column;
  }
}

TEST(MetricLogger, WritesEventsOfLoggedStepsAndOfEvaluations) {
  TempFolder folder;
  auto logger = logger_in(folder);
  TrainingByHand{.not_evaluated = {0}}.run({&logger}, 0, 6);
  EXPECT_EQ(events_in(folder), (Texts{"train 1", "train 3", "train 4", "train 6", "eval 6"}));
}

TEST(MetricLogger, AResumedRunLeavesNoGapAndNothingTwice) {
  TempFolder whole;
  auto straight = logger_in(whole);
  TrainingByHand().run({&straight});
  struct Kill {
    int64_t at, resumed_from;
  };
  // Killed at a boundary and within an epoch; resumed there, at an earlier boundary, within an
  // earlier epoch.
  for (const Kill kill :
       {Kill{6, 6}, Kill{8, 8}, Kill{8, 6}, Kill{9, 6}, Kill{8, 5}, Kill{11, 1}}) {
    TempFolder folder;
    auto before = logger_in(folder);
    TrainingByHand().run({&before}, 0, kill.at);
    auto after = logger_in(folder);
    TrainingByHand().run({&after}, kill.resumed_from);
    SCOPED_TRACE("killed at " + std::to_string(kill.at) + ", resumed from " +
                 std::to_string(kill.resumed_from));
    EXPECT_EQ(rows_in(folder), rows_in(whole));
    EXPECT_EQ(events_in(folder), events_in(whole));
  }
}

// The evaluation was written about, and the process killed before the checkpoint that says so.
TEST(MetricLogger, AnEvaluationThatComesOnceMoreIsThereOnce) {
  TempFolder whole, folder;
  auto straight = logger_in(whole), before = logger_in(folder), after = logger_in(folder);
  TrainingByHand().run({&straight});
  TrainingByHand().run({&before}, 0, 6);
  TrainingByHand().run({&after}, TrainingByHand::before_evaluation(6));
  std::vector<Texts> rows = rows_in(folder), expected = rows_in(whole);
  ASSERT_EQ(rows.size(), expected.size());
  EXPECT_EQ(rows[1].back(), "");  // images per second, of no step of this process
  rows[1].back() = expected[1].back();
  EXPECT_EQ(rows, expected);
  EXPECT_EQ(events_in(folder), events_in(whole));
}

TEST(MetricLogger, ARollbackTakesRowsAndEventsBackAsAResumeDoes) {
  TempFolder whole, folder;
  auto straight = logger_in(whole), logger = logger_in(folder);
  TrainingByHand().run({&straight});
  TrainingByHand().run({&logger}, 0, 8);
  TrainingByHand().run({&logger}, 3);  // the same callback: on_train_start comes again
  EXPECT_EQ(rows_in(folder), rows_in(whole));
  EXPECT_EQ(events_in(folder), events_in(whole));
}

TEST(MetricLogger, AResumeOfAFinishedRunChangesNothing) {
  TempFolder folder;
  auto logger = logger_in(folder);
  TrainingByHand().run({&logger});
  const auto rows = rows_in(folder);
  const auto events = events_in(folder);
  auto again = logger_in(folder);
  TrainingByHand().run({&again}, TrainingByHand::kAll);
  EXPECT_EQ(rows_in(folder), rows);
  EXPECT_EQ(events_in(folder), events);
}

TEST(MetricLogger, TimeOfOtherRanksIsAnEventOnlyWhereItWasMeasured) {
  for (const bool measured : {false, true}) {
    TempFolder folder;
    auto logger = logger_in(folder);
    auto state = TrainingByHand::after(0);
    if (measured) state.comm_seconds = 0.25;
    TrainingByHand().run({&logger}, state, 1);
    std::string bytes;
    for (const std::string& name : names_in(folder.path())) bytes += util::read_file(folder / name);
    EXPECT_NE(bytes.find("train/data_seconds"), std::string::npos);
    EXPECT_EQ(bytes.find("train/comm_seconds") != std::string::npos, measured);
  }
}

TEST(MetricLogger, OpensNothingBeforeTheTrainingStarts) {
  TempFolder folder;
  const auto logger = logger_in(folder);
  EXPECT_EQ(names_in(folder.path()), Texts{});
}

}  // namespace
}  // namespace dtrain::callbacks
