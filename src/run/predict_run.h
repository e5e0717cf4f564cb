// Predictions of trained networks on a split of a data set, or on pictures.
#pragma once

#include <string>
#include <vector>

#include "config/reader.h"
#include "dist/mpi_scope.h"
#include "run/predict_config.h"

namespace dtrain::run {

struct PredictRequest {
  PredictConfig config;
  // Settings of the training to be changed: where the data are, threads, workers ...
  std::vector<config::Override> overrides;
  // A file, or with several checkpoints a folder; empty: predictions-<split>.h5 in the run's
  // folder.
  std::string output;
  // Files and folders; where there are any they are predicted in place of a split, without targets.
  std::vector<std::string> pictures;
};

// Writes a file of predictions for each checkpoint and says how good they are, or prints the five
// likeliest classes of pictures. Collective; rank 0 writes. The file does not depend on the number
// of ranks. Throws Error.
void predict(const PredictRequest& request, const dist::MpiScope& mpi, bool on_terminal = true);

}  // namespace dtrain::run
