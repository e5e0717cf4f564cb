// An ensemble: members trained in parallel on groups of ranks, each an ordinary run that predicts
// when it is trained.
#pragma once

#include <string>

#include "dist/mpi_scope.h"
#include "ensemble/ensemble_config.h"
#include "run/train_run.h"

namespace dtrain::ensemble {

// Trains what is not finished, on all ranks of `mpi`, and votes; collective. With `only` that
// member alone is trained, by all ranks as one group, as tasks of a SLURM array do, and nothing is
// voted on; the member is the same bits.
//
// A member that fails (bad data, NaN, ...) is noted and the others go on; a process that dies ends
// all ranks, and the next call goes on from the checkpoints. Throws the error of the first member
// that failed when the vote cannot go without it, and Error for what concerns all members. After a
// signal to end (util/signals.h), at any rank, members that train are saved and no other is begun.
run::Outcome run_ensemble(const EnsembleConfig& config,
                          const std::string& only,
                          const dist::MpiScope& mpi);

}  // namespace dtrain::ensemble
