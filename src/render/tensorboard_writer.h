// Scalars for TensorBoard: `tensorboard --logdir runs`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "util/atomic_file.h"

namespace dtrain::render {

// Writes `<folder>/events.out.tfevents.<time>.<host>.<pid>.<n>`. Each call is on its way to readers
// when it returns. One writer for a folder at a time.
//   TensorboardWriter events(run_folder, resume_step);
//   events.scalars(step, {{"train/loss", 2.31}, {"train/lr", 0.1}});
class TensorboardWriter {
 public:
  static constexpr int64_t kNewRun = -1;

  // Opens a new file. With a resume_step >= 0 the run goes on from that step, and what earlier
  // files say about later ones is taken back, so that curves have neither gap nor duplicate: those
  // records are cut from the files (TensorBoard's fast loader knows no other way), and the new file
  // begins with a session start, which makes a TensorBoard that is already running forget them. So
  // are those of the step itself whose tags begin with `to_come`: what the run writes once more.
  // Error(kIo) if the folder cannot be written to.
  explicit TensorboardWriter(const std::filesystem::path& folder,
                             int64_t resume_step = kNewRun,
                             const std::string& to_come = "");

  // Several tags of one step; steps do not fall. NaN and infinity are shown by TensorBoard as such.
  void scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values);
  void scalar(int64_t step, const std::string& tag, double value) { scalars(step, {{tag, value}}); }

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  util::OutputFile file_;
};

// Rewrites the event files of a folder without the records of steps after `step`, those of `step`
// itself that hold a tag beginning with `to_come`, and what follows damage, such as the half record
// of a killed process. Files that need no change are not touched.
void drop_events_after(const std::filesystem::path& folder,
                       int64_t step,
                       const std::string& to_come = "");

}  // namespace dtrain::render
