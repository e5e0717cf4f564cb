// Stops a training whose ranks no longer hold the same weights.
#pragma once

#include <cstdint>
#include <functional>

#include "dist/parameter_sync.h"
#include "dist/process_group.h"
#include "train/callback.h"

namespace dtrain::callbacks {

// Compares a digest of all replicated state (weights, averages, optimizer, loss scale) over the
// ranks after every `interval` steps (0: never by itself); throws Error(kDiverged) naming rank and
// tensor. Put it before what saves.
class ReplicaChecker : public train::Callback {
 public:
  using State = std::function<dist::NamedTensors()>;

  ReplicaChecker(State state, const dist::ProcessGroup& control, int64_t interval);
  void on_step_end(const train::TrainState& state, train::Requests&) override;

 private:
  State state_;
  const dist::ProcessGroup& control_;
  int64_t interval_;
};

}  // namespace dtrain::callbacks
