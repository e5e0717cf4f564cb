// Stops a training whose ranks no longer hold the same weights.
#include "callbacks/replica_checker.h"

#include <utility>

namespace dtrain::callbacks {

ReplicaChecker::ReplicaChecker(State state, const dist::ProcessGroup& control, int64_t interval)
    : state_(std::move(state)), control_(control), interval_(interval) {}

void ReplicaChecker::on_step_end(const train::TrainState& state, train::Requests&) {
  if (interval_ > 0 && state.step % interval_ == 0) {
    dist::check_replicas_equal(state_(), control_);
  }
}

}  // namespace dtrain::callbacks
