// TensorBoard itself reads the event files: values, tags, and a run that was killed and resumed.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "render/tensorboard_writer.h"
#include "tests/support/python.h"
#include "tests/support/temp_folder.h"

namespace dtrain::render {
namespace {

namespace fs = std::filesystem;

// Step s of attempt a has the loss a + s / 1000.
void write_steps(TensorboardWriter& writer, int attempt, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) {
    writer.scalars(step, {{"train/loss", attempt + step / 1000.0}, {"train/lr", 0.1}});
    if (step % 4 == 0) writer.scalar(step, "eval/top1", attempt);
  }
}

TEST(TensorBoard, ShowsValuesTagsAndAResumedRunWithoutGapOrDuplicate) {
  dtrain::testing::TempFolder folder;
  fs::path first;
  {
    TensorboardWriter writer(folder.path());
    write_steps(writer, 1, 1, 20);
    first = writer.path();
  }
  // A copy as the killed run left it, half a record at its end, for the readers that see it first.
  fs::create_directory(folder / "killed");
  fs::copy_file(first, folder / "killed" / first.filename());
  fs::resize_file(folder / "killed" / first.filename(), fs::file_size(first) - 7);
  {
    // Goes on from the checkpoint of step 13, which lies between two records of eval/top1.
    TensorboardWriter writer(folder.path(), 13);
    write_steps(writer, 2, 14, 17);
  }
  {
    TensorboardWriter writer(folder.path(), 16);
    write_steps(writer, 3, 17, 24);
    writer.scalar(24, "odd/nan", std::nan(""));
    writer.scalar(24, "odd/infinity", INFINITY);
    writer.scalar(int64_t{1} << 40, "odd/late", 1.0);
  }
  auto result =
      dtrain::testing::run_python("tests/render/check_events.py", {folder.path().string()});
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST(TensorBoard, AReaderThatIsAlreadyRunningForgetsTheStepsTrainedAgain) {
  dtrain::testing::TempFolder folder;
  fs::path first;
  {
    TensorboardWriter writer(folder.path());
    write_steps(writer, 1, 1, 20);
    first = writer.path();
  }
  // What such a reader has read cannot be cut from its memory: as if the first file had stayed.
  fs::copy_file(first, folder / "before");
  {
    TensorboardWriter writer(folder.path(), 13);
    write_steps(writer, 2, 14, 24);
  }
  fs::rename(folder / "before", first);
  auto result = dtrain::testing::run_python("tests/render/check_events.py",
                                            {folder.path().string(), "--already-running"});
  EXPECT_EQ(result.status, 0) << result.output;
}

}  // namespace
}  // namespace dtrain::render
