// Stops a training whose ranks no longer hold the same weights.
#pragma once

#include "dist/process_group.h"
#include "nn/classifier.h"
#include "train/callback.h"

namespace dtrain::callbacks {

// Compares a digest of parameters and buffers over the ranks after every `interval` epochs; throws
// Error(kDiverged) naming rank and tensor. Put it before what saves.
class ReplicaChecker : public train::Callback {
 public:
  ReplicaChecker(nn::Classifier& model, const dist::ProcessGroup& group, int64_t interval);
  void on_epoch_end(train::TrainState& state) override;

 private:
  nn::Classifier& model_;
  dist::ProcessGroup group_;
  int64_t interval_;
};

}  // namespace dtrain::callbacks
