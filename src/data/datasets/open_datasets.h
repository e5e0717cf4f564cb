// What a run trains and evaluates on: splits of a data set as they are stored, or parts of its
// training split.
#pragma once

#include <cstdint>
#include <memory>

#include "data/dataset.h"
#include "data/datasets/dataset_registry.h"

namespace dtrain::data {

// Every sample of `train` and `eval` has a target. `unlabeled`, which is null unless
// data.unlabeled asks for it, is trained on without; where its samples do have targets
// (data.labels_per_class left them over), those tell how good a guess at them is.
struct OpenedData {
  std::unique_ptr<Dataset> train, eval, unlabeled;
  std::unique_ptr<Dataset> test;  // null unless data.test_split names one
};

// Opens and divides: data.holdout or data.folds cut the evaluation samples out of the training
// split, data.labels_per_class divides what remains, and data.limit_* thin each part out in the
// end. So what is held out depends on the content of the training split, data.holdout or
// data.folds, and the seed alone. Parts share the memory of the split.
//
// `seed` is the run's, for where data.split_seed is -1. Throws Error(kConfig) for settings that
// contradict each other or leave a part without samples, Error(kData) for samples without a label
// where one is needed, and what open_dataset() throws.
// What is left to the data is settled first (recognise.h).
OpenedData open_datasets(const DatasetConfig& config, uint64_t seed);

// Whether the evaluation samples are cut out of the training split; otherwise they are
// data.eval_split.
bool holds_out(const DatasetConfig& config);

// Whether anything is drawn with the seed of the splits.
bool draws_splits(const DatasetConfig& config);

}  // namespace dtrain::data
