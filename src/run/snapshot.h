// A training as a checkpoint, and back: what is stored, and whether a stored one fits this run.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/state_list.h"
#include "config/json.h"
#include "data/dataset.h"
#include "dist/process_group.h"
#include "settings/run_config.h"
#include "train/train_state.h"

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

// The training as it stands. Collective (StateList::save()); the tensors are the live ones.
checkpoint::CheckpointData take_snapshot(const train::TrainState& state,
                                         const checkpoint::StateList& parts,
                                         const dist::ProcessGroup& control,
                                         const config::Json& run_description);

// Compares the run that wrote a checkpoint with this one. What changes the course of the training
// is refused: Error(kConfig) that lists each difference. What may change rounding at most (threads,
// device, instruction sets, LibTorch, number of ranks with the same global batch) is returned, each
// with what follows from it, to be announced.
std::vector<std::string> check_resumable(const config::Json& meta,
                                         const std::string& checkpoint,
                                         const settings::RunConfig& config,
                                         const DataIdentity& data,
                                         int64_t ranks);

// Sets parts and state to what the checkpoint holds; collective. Rank 0 reads the file,
// the others receive, so only rank 0 needs to see it: an error of reading is rank 0's alone.
void restore_snapshot(const std::string& checkpoint,
                      const dist::ProcessGroup& group,
                      const dist::ProcessGroup& control,
                      const checkpoint::StateList& parts,
                      train::TrainState& state);

}  // namespace dtrain::run
