// What stands in the event files after a run, after a kill and after a resume.
#include "render/tensorboard_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "render/event_file.h"
#include "tests/support/temp_folder.h"

namespace dtrain::render {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::names_in;
using dtrain::testing::TempFolder;
using dtrain::testing::with_file_size_limit;

// The steps of all records of a file but the first, in order.
std::vector<int64_t> steps_in(const fs::path& path) {
  const std::string content = util::read_file(path);
  std::vector<int64_t> steps;
  size_t offset = 0;
  while (auto payload = next_record(content, offset)) steps.push_back(*step_of_event(*payload));
  EXPECT_EQ(offset, content.size()) << "not a whole number of records";
  if (!steps.empty()) steps.erase(steps.begin());
  return steps;
}

void write_steps(TensorboardWriter& writer, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) writer.scalar(step, "loss", 1.0 / step);
}

using Steps = std::vector<int64_t>;

TEST(TensorboardWriter, EachCallIsInTheFileWhenItReturns) {
  TempFolder folder;
  TensorboardWriter writer(folder.path());
  EXPECT_EQ(steps_in(writer.path()), Steps{});
  writer.scalars(3, {{"train/loss", 1.0}, {"train/lr", 0.1}});
  EXPECT_EQ(steps_in(writer.path()), Steps{3});
  writer.scalars(4, {});
  EXPECT_EQ(steps_in(writer.path()), Steps{3});
}

TEST(TensorboardWriter, TheNameIsOneThatTensorBoardLooksFor) {
  TempFolder folder;
  TensorboardWriter writer(folder.path());
  EXPECT_EQ(writer.path().filename().string().rfind("events.out.tfevents.", 0), 0u);
}

TEST(TensorboardWriter, FilesOfOneSecondAreReadInTheOrderTheyWereMade) {
  TempFolder folder;
  std::vector<std::string> made;
  for (int i = 0; i < 3; ++i) made.push_back(TensorboardWriter(folder.path()).path().filename());
  EXPECT_EQ(names_in(folder.path()), made);
}

TEST(TensorboardWriter, AResumeCutsTheStepsThatAreTrainedAgain) {
  TempFolder folder;
  fs::path first, second;
  {
    TensorboardWriter writer(folder.path());
    write_steps(writer, 1, 10);
    first = writer.path();
  }
  {
    TensorboardWriter writer(folder.path(), 6);
    write_steps(writer, 7, 9);
    second = writer.path();
  }
  EXPECT_EQ(steps_in(first), (Steps{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(steps_in(second), (Steps{7, 7, 8, 9}));  // session start, records
  TensorboardWriter third(folder.path(), 4);
  EXPECT_EQ(steps_in(first), (Steps{1, 2, 3, 4}));
  EXPECT_EQ(steps_in(second), Steps{});
  EXPECT_EQ(steps_in(third.path()), Steps{5});
}

TEST(TensorboardWriter, AResumeRemovesTheHalfRecordOfAKilledRun) {
  TempFolder folder;
  fs::path first;
  {
    TensorboardWriter writer(folder.path());
    write_steps(writer, 1, 3);
    first = writer.path();
  }
  fs::resize_file(first, fs::file_size(first) - 5);
  TensorboardWriter writer(folder.path(), 100);
  EXPECT_EQ(steps_in(first), (Steps{1, 2}));
}

TEST(TensorboardWriter, AResumeLeavesFilesAloneThatNeedNoChange) {
  TempFolder folder;
  fs::path first;
  {
    TensorboardWriter writer(folder.path());
    write_steps(writer, 1, 3);
    first = writer.path();
  }
  std::ofstream(folder / "summary.csv") << "epoch\n";
  const auto before = fs::last_write_time(first);
  TensorboardWriter writer(folder.path(), 3);
  EXPECT_EQ(fs::last_write_time(first), before);
  EXPECT_EQ(util::read_file(folder / "summary.csv"), "epoch\n");
}

TEST(TensorboardWriter, AFullDiskIsAnErrorAndLeavesWholeRecords) {
  TempFolder folder;
  EXPECT_TRUE(with_file_size_limit(500, [&] {
    TensorboardWriter writer(folder.path());
    return error_text([&] { write_steps(writer, 1, 100); }).find("File too large") !=
           std::string::npos;
  }));
  EXPECT_GT(steps_in(folder / names_in(folder.path())[0]).size(), 5u);
}

TEST(TensorboardWriter, AMissingFolderIsNamed) {
  std::string text = error_text([] { TensorboardWriter("/nonexistent/run"); });
  EXPECT_NE(text.find("/nonexistent/run: No such file or directory"), std::string::npos) << text;
}

}  // namespace
}  // namespace dtrain::render
