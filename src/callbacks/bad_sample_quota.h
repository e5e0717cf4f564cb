// Ends a training that replaces too many samples, all ranks counted together.
#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "dist/process_group.h"
#include "train/callback.h"

namespace dtrain::callbacks {

// A loader stops by itself when its own rank exceeds the quota; this one compares, after each
// epoch, the different samples that all ranks have replaced, so that the outcome of an epoch does
// not depend on how many ranks shared it. Throws Error(kData) on every rank. Collective.
class BadSampleQuota : public train::Callback {
 public:
  using Replaced = std::function<std::set<int64_t>()>;  // by this rank so far

  BadSampleQuota(Replaced replaced, const dist::ProcessGroup& control, int64_t quota);
  void on_epoch_end(const train::TrainState& state, train::Requests&) override;

 private:
  Replaced replaced_;
  const dist::ProcessGroup& control_;
  int64_t quota_;
};

}  // namespace dtrain::callbacks
