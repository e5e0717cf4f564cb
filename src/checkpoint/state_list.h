// The parts of a training that a checkpoint holds, in one list: saving, going back to a checkpoint
// and the comparison of replicas walk it.
//
//   StateList parts;
//   parts.add(weights); parts.add(optimizer); parts.add(metrics);
//   parts.save(data, control);                          // then save_checkpoint(store, data, ...)
//   parts.restore(data, "runs/x/checkpoints/last", group, control);
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "dist/process_group.h"
#include "state/stateful.h"

namespace dtrain::checkpoint {

class StateList {
 public:
  // Borrows the part. Its name must be new.
  void add(state::Stateful& part);

  // What all ranks must have alike: weights under their own names, all else as in a checkpoint. The
  // tensors are live or made for this call (dist::check_replicas_equal).
  state::NamedTensors replicated() const;

  // Fills in `data.weights` and `data.state`; collective, since it takes the parts of every rank.
  // The tensors are live, not copies.
  void save(CheckpointData& data, const dist::ProcessGroup& control) const;

  // Gives every part what `data` holds for it. Collective; only rank 0 needs the data, the others
  // receive. Rank 0 compares names, shapes and types first: Error(kConfig) lists what differs, in
  // the name of `subject`, and nothing is changed. Reads what older versions wrote.
  void restore(CheckpointData& data,
               const std::string& subject,
               const dist::ProcessGroup& group,
               const dist::ProcessGroup& control) const;

 private:
  std::vector<state::Stateful*> parts_;
};

}  // namespace dtrain::checkpoint
