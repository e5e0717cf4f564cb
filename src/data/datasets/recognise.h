// What a path holds that a user names without saying which kind of data set it is, and what a run
// evaluates on where nobody said.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/datasets/dataset_registry.h"

namespace dtrain::data {

struct Recognised {
  std::string dataset;         // a row of the table
  std::filesystem::path path;  // what data.data_dir names, or the one folder in it
  std::string label_in_name;   // first or last where images lie flat, else auto
  std::string reading;         // "class folders in train, val"
  std::string other_reading;   // what else it could be, and how to force that; or empty
};

// Tries every kind of data set on a folder or file. Looks at names, not at content, but of CSV
// files. Throws Error(kData) where nothing fits, with what was found; where `path` is the folder of
// a split, with the one to give instead.
Recognised recognise(const std::filesystem::path& path);

// A setting that was chosen, and why.
struct Choice {
  std::string path, why;
};

struct Settled {
  std::vector<Choice> choices;
  std::string reading, other_reading;  // as Recognised has them; empty where data.dataset was given
};

// Gives values to data.dataset, data.data_dir, data.label_in_name, data.eval_split and data.holdout
// where they are left to the data. Evaluated is the validation split, else a tenth of each class of
// the training split that is held out; never the test split. Does nothing to settled settings.
// Throws what recognise() throws.
Settled settle(DatasetConfig& config);

}  // namespace dtrain::data
