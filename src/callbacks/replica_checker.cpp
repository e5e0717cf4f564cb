// Stops a training whose ranks no longer hold the same weights.
#include "callbacks/replica_checker.h"

#include "dist/parameter_sync.h"

namespace dtrain::callbacks {

ReplicaChecker::ReplicaChecker(nn::Classifier& model,
                               const dist::ProcessGroup& group,
                               int64_t interval)
    : model_(model), group_(group), interval_(interval) {}

void ReplicaChecker::on_epoch_end(train::TrainState& state) {
  if ((state.epoch + 1) % interval_ == 0) dist::check_replicas_equal(model_, group_);
}

}  // namespace dtrain::callbacks
