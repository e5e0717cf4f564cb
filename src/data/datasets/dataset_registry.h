// The data sets that dtrain knows by name, and the one function that opens them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/fields.h"
#include "data/dataset.h"

namespace dtrain::data {

enum class Split { kTrain, kEval };

struct DatasetRow;

// What is asked of a data set.
struct SplitRequest {
  std::filesystem::path folder;
  std::string split;        // train, validation or test
  std::string train_split;  // the one that is trained on, for classes that only the data show
  int64_t limit = 0;        // 0: all samples
};

// A row of the table: what is known about a data set before it is opened.
struct DatasetRow {
  std::string name;
  std::string description;
  std::vector<std::string>
      class_names;  // empty: as many classes as the labels show, named 0, 1, ...
  // Normalisation of pixels in [0, 1], one value per channel or one for all.
  std::vector<double> mean, std;
  std::string default_dir;  // empty: the user has to name the folder
  std::string advice;       // where an intact copy comes from
  std::unique_ptr<Dataset> (*open)(const DatasetRow& row, const SplitRequest& request);
  // The splits that are there; nullptr: always train and test.
  std::vector<std::string> (*splits)(const std::filesystem::path& folder) = nullptr;
};

// All rows, in the order in which help shows them.
const std::vector<DatasetRow>& dataset_rows();
std::vector<std::string> dataset_names();
// Throws Error(kConfig) that lists the names when there is no such row.
const DatasetRow& find_dataset(const std::string& name);

struct DatasetConfig {
  std::string dataset = "fashion_mnist";
  std::string data_dir;
  std::string train_split = "train";
  std::string eval_split = "test";
  int64_t limit_train = 0;
  int64_t limit_eval = 0;
};

template <class V>
void fields(V& v, DatasetConfig& c) {
  using namespace config;
  v("dataset", c.dataset, one_of(dataset_names()), "Data set, a row of the table of data sets.");
  v("data_dir",
    c.data_dir,
    "Folder with its files, or the file of a pack; empty: where its Debian package puts them.");
  v("train_split",
    c.train_split,
    one_of({"train", "validation", "test"}),
    "Split to train on; validation: of data sets that have one.");
  v("eval_split", c.eval_split, one_of({"train", "validation", "test"}), "Split to evaluate on.");
  v("limit_train",
    c.limit_train,
    at_least(0),
    "Train on so many samples only, the first ones or, of pictures in folders, evenly spread ones; "
    "0: all of them.");
  v("limit_eval",
    c.limit_eval,
    at_least(0),
    "Evaluate on so many samples only, chosen like those of training; 0: all of them.");
}

// Opens the files of a split and checks their headers and labels; pixels are loaded later (see
// dataset.h). Throws Error(kData) that names the folder, the files looked for and what to try.
//
//   std::unique_ptr<Dataset> train = open_dataset(config.data, Split::kTrain);
//   train->start_loading();   // while the model is being built
std::unique_ptr<Dataset> open_dataset(const DatasetConfig& config, Split split);

// All splits that are there, of train, validation and test, as `dtrain pack` takes them. The limit
// of evaluation holds for all but the training split.
struct NamedSplit {
  std::string name;
  std::unique_ptr<Dataset> dataset;
};
std::vector<NamedSplit> open_all_splits(const DatasetConfig& config);

}  // namespace dtrain::data
