// Whether a checkpoint fits the run that is to resume from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/json.h"
#include "data/sample.h"
#include "settings/run_config.h"

namespace dtrain::run {

// What names the data: goes into every checkpoint and is compared on resume.
struct DataIdentity {
  std::string train_fingerprint, eval_fingerprint;
  std::vector<std::string> class_names;
  std::string unlabeled_fingerprint = {};  // empty where there are no such data
  data::ImageShape input = {};             // of the images that the network gets
};

// Images in one step over all ranks, with accumulation.
int64_t global_batch_size(const settings::RunConfig& config, int64_t ranks);

// The part of a checkpoint's meta that stays the same during a run: config, data, ranks, machine.
config::Json describe_run(const settings::RunConfig& config,
                          const DataIdentity& data,
                          int64_t ranks);

// Of the images of the network that a checkpoint with that meta holds; height 0 where an older
// version did not say.
data::ImageShape input_of(const config::Json& meta);

// What a resume changes, a line each.
struct ResumeChanges {
  std::vector<std::string> ahead;     // settings of the steps to come, with both values
  std::vector<std::string> rounding;  // what may change rounding at most, with what follows

  bool empty() const { return ahead.empty() && rounding.empty(); }
};

// Compares the run that wrote a checkpoint at `step` with this one. What contradicts the steps that
// are done is refused: Error(kConfig) that lists each difference with the reason. Returned, to be
// announced, are settings that change the steps ahead (config::kAhead: learning rate, schedule,
// augmentation ...), and what may change rounding (threads, device, instruction sets, LibTorch,
// number of ranks with the same global batch).
ResumeChanges check_resumable(const config::Json& meta,
                              const std::string& checkpoint,
                              const settings::RunConfig& config,
                              const DataIdentity& data,
                              int64_t ranks,
                              int64_t step);

}  // namespace dtrain::run
