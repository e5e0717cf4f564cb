// An ensemble: members trained in parallel on groups of ranks, each an ordinary run that predicts
// when it is trained.
#pragma once

#include <string>

#include "dist/mpi_scope.h"
#include "run/ensemble_config.h"

namespace dtrain::run {

// Trains what is not finished, on all ranks of `mpi`; collective. With `only` that member alone, by
// all ranks as one group, as tasks of a SLURM array do; the result is the same bits.
//
// A member that fails (bad data, NaN, ...) is noted and the others go on; a process that dies ends
// all ranks, and the next call goes on from the checkpoints. Returns, on rank 0, what went wrong
// with each failed member; empty where all are finished. Throws Error for what concerns all
// members.
struct FailedMember {
  std::string name;
  Error error;
};
std::vector<FailedMember> train_ensemble(const EnsembleConfig& config,
                                         const std::string& only,
                                         const dist::MpiScope& mpi);

}  // namespace dtrain::run
