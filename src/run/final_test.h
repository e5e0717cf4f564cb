// The one look at the test split, after a training.
#pragma once

#include <string>

#include "run/components.h"
#include "settings/run_folder.h"
#include "train/evaluation_loop.h"

namespace dtrain::run {

// Puts the evaluated weights of the run's best checkpoint (the last one where nothing was
// evaluated) into `model`, whose own are lost, evaluates, and writes the result to the folder's
// test.json: {"split", "checkpoint", "samples", and each metric}. Returns the line for the log,
// the same on every rank. Collective; rank 0 reads and writes. Throws Error(kIo).
std::string test_best(const settings::RunFolder& folder,
                      const std::string& split,
                      int64_t samples,
                      nn::Classifier& model,
                      train::EvaluationLoop& evaluation,
                      const dist::ProcessGroup& group,
                      const dist::MpiScope& mpi);

}  // namespace dtrain::run
