// Predictions of trained networks on a split of a data set, or on pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/reader.h"
#include "dist/mpi_scope.h"
#include "predict/predict_config.h"
#include "settings/run_config.h"

namespace dtrain::predict {

struct PredictRequest {
  PredictConfig config;
  // Settings of the training to be changed: where the data are, threads, workers ...
  std::vector<config::Override> overrides;
  // A file, or with several checkpoints a folder; empty: predictions-<split>.h5 in the run's folder
  // (predict_outputs.h).
  std::string output;
  // Files and folders; where there are any they are predicted in place of a split, without targets.
  // A single CSV file is read as data set `csv`, with the targets that it has.
  std::vector<std::string> pictures;
  bool names_split = false;  // whether config.split was given
};

// Writes a file of predictions for each checkpoint and says how good they are, or prints the five
// likeliest classes of pictures. Collective; rank 0 writes. The file does not depend on the number
// of ranks. Throws Error.
void predict(const PredictRequest& request, const dist::MpiScope& mpi, bool on_terminal = true);

// Throws Error(kConfig) where a training with these settings could not be followed by a prediction
// of `split` with these views: there is no such split or list of views. Opens the data set; throws
// what that throws. Returns how many samples of the split have a label.
int64_t expect_predictable(const settings::RunConfig& config,
                           const std::string& split,
                           const std::string& views);

}  // namespace dtrain::predict
