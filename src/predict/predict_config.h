// The settings that only `dtrain predict` has.
#pragma once

#include <string>
#include <vector>

#include "config/fields.h"
#include "data/split_names.h"

namespace dtrain::predict {

struct PredictConfig {
  std::vector<std::string> checkpoint;
  std::string split = "eval";
  std::string views = "identity";
  std::string merge = "probabilities";
  bool keep_views = false;
  std::string precision = "float32";
  std::string weights = "evaluated";
  bool fold_batch_norm = true;
  bool calibrated = true;
  std::string csv;
  std::string probabilities;
};

template <class V>
void fields(V& v, PredictConfig& c) {
  using namespace config;
  v("checkpoint",
    c.checkpoint,
    "Checkpoints or run folders, of which the best checkpoint is taken; best and last mean those "
    "of "
    "the newest run in runs.");
  v("split",
    c.split,
    data::one_of_splits({"eval", "train", "validation", "test", "unlabeled"}),
    "Samples to predict. eval and train: what the training evaluated and trained on, with its "
    "holdout or fold; others: that split of the data set.");
  v("views",
    c.views,
    "Test-time augmentation: identity, flip, five_crop, ten_crop, scales, rotations(10), "
    "random(8).");
  v("merge",
    c.merge,
    one_of({"probabilities", "logits", "vote"}),
    "How the views become one prediction: the mean of their probabilities or of their logits, or "
    "the class most of them say.");
  v("keep_views", c.keep_views, "Write the logits of each view too.");
  v("precision",
    c.precision,
    one_of({"float32", "bfloat16", "float16", "float64"}),
    "Arithmetic of the network.");
  v("weights",
    c.weights,
    not_empty(),
    "Weights to predict with: evaluated (as in training), model, ema.");
  v("fold_batch_norm",
    c.fold_batch_norm,
    "Put batch norms into the convolutions before them: the same logits but for rounding, sooner.");
  v("calibrated",
    c.calibrated,
    "Take the temperature that dtrain calibrate left with the checkpoint.");
  v("csv", c.csv, "Also write a submission, Id,Category, to this file (docs/cli.md).");
  v("probabilities",
    c.probabilities,
    "Also write path, class, index and all probabilities to this CSV file.");
}

}  // namespace dtrain::predict
