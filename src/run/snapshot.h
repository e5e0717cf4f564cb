// A training as a checkpoint, and back.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/state_list.h"
#include "config/json.h"
#include "dist/process_group.h"
#include "train/train_state.h"

namespace dtrain::run {

// The training as it stands. Collective (StateList::save()); the tensors are the live ones.
checkpoint::CheckpointData take_snapshot(const train::TrainState& state,
                                         const checkpoint::StateList& parts,
                                         const dist::ProcessGroup& control,
                                         const config::Json& run_description);

// Sets parts and state to what the checkpoint holds; collective. Rank 0 reads the file,
// the others receive, so only rank 0 needs to see it: an error of reading is rank 0's alone.
void restore_snapshot(const std::string& checkpoint,
                      const dist::ProcessGroup& group,
                      const dist::ProcessGroup& control,
                      const checkpoint::StateList& parts,
                      train::TrainState& state);

}  // namespace dtrain::run
