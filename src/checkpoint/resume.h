// Which checkpoint a run continues from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_folder.h"

namespace dtrain::checkpoint {

struct ResumePoint {
  std::filesystem::path checkpoint;  // .../checkpoints/step-00000938, never a link; verified
  Manifest manifest;
  std::vector<std::string> warnings;  // what was passed over, and why: for the log
};

// `request` is the setting run.resume:
//   ""      nothing: a new run.
//   "auto"  the newest run `<output>/<YYYYMMDD-HHMMSS>-<experiment>/` that has checkpoints: what
//           `last` names if it is sound, else the newest sound one before it, with a warning.
//           Nothing if there is no such run. If all of its checkpoints are damaged, an Error:
//           starting over unasked would lose the run. An empty experiment stands for any.
//   "last"  as auto, of any experiment; "best": what `best` names in that run. It must be there.
//   a path  a checkpoint (or a link to one), which must be sound; a run folder or its `checkpoints`
//           folder, of which the newest sound one is taken, as above.
// A run without a checkpoint is passed over, with a warning.
// Reads whole files, so one rank calls it and tells the others the path. Errors are Error(kIo).
std::optional<ResumePoint> resolve_resume(const std::string& request,
                                          const std::filesystem::path& output,
                                          const std::string& experiment);

// The checkpoint that predictions are made with, looked for in the same places: "best" and "last"
// are those of the newest run in `output` that has a checkpoint; of a run folder the best one is
// taken. The last one stands in for a best one where nothing was evaluated yet. Logs what is passed
// over. Opens no file. Throws Error(kIo) that says what is not there.
std::filesystem::path find_checkpoint(const std::string& request,
                                      const std::filesystem::path& output);

}  // namespace dtrain::checkpoint
