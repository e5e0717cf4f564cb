// The data sets that dtrain knows by name, and the one function that opens them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/fields.h"
#include "config/problems.h"
#include "data/dataset.h"
#include "data/datasets/csv_table.h"
#include "data/datasets/picture_files.h"
#include "data/split_names.h"

namespace dtrain::data {

// kUnlabelled: of data sets that come with a part without labels.
enum class Split { kTrain, kEval, kUnlabelled };

struct DatasetRow;

// What is asked of a data set.
struct SplitRequest {
  std::filesystem::path folder;
  std::string split;        // train, validation, test or unlabeled
  std::string train_split;  // the one that is trained on, for classes that only the data show
  int64_t limit = 0;        // 0: all samples
  std::string label_in_name = "auto";              // of flat images: first, last or auto
  bool follow_links = false;                       // out of the folder
  CsvOptions csv = {};                             // of a CSV file
  std::vector<std::string> known_classes = {};     // see DatasetConfig
  std::vector<FolderProblem>* problems = nullptr;  // see ImageFolderOptions; others throw
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
  std::vector<std::string> (*splits)(const std::filesystem::path& folder,
                                     const CsvOptions& csv) = nullptr;
  // Whether a folder holds its files, for data sets whose files have fixed names.
  bool (*is_in)(const DatasetRow& row, const std::filesystem::path& folder) = nullptr;
};

// All rows, in the order in which help shows them.
const std::vector<DatasetRow>& dataset_rows();
std::vector<std::string> dataset_names();
// Throws Error(kConfig) that lists the names when there is no such row.
const DatasetRow& find_dataset(const std::string& name);

// What pixels of that data set are normalised with: its own statistics, else those of the row. Grey
// pictures get the mean over the colours where the row has three.
PixelStatistics statistics_of(const DatasetRow& row, const Dataset& dataset);

// Of settings that the data decide (recognise.h).
inline constexpr const char* kLeftToTheData = "auto";

struct DatasetConfig {
  std::string dataset = kLeftToTheData;
  std::string data_dir;
  std::string label_in_name = kLeftToTheData;
  bool follow_links = false;
  std::string csv_path_column = "path";
  std::string csv_label_column = "label";
  std::string csv_split_column = "split";
  bool csv_absolute_paths = false;
  std::string train_split = "train";
  std::string eval_split = kLeftToTheData;
  std::string test_split = "none";
  int64_t limit_train = 0;
  int64_t limit_eval = 0;
  double holdout = -1;
  int64_t folds = 0;
  int64_t fold = 0;
  int64_t labels_per_class = 0;
  std::string unlabeled = "none";
  int64_t split_seed = -1;
  std::string cache = "none";
  int64_t cache_mb = 0;

  // No setting: the classes of the network that predicts the samples; empty: the data's own. A CSV
  // file's labels become these, and class folders need not be there in the training split.
  std::vector<std::string> known_classes = {};
};

template <class V>
void fields(V& v, DatasetConfig& c) {
  using namespace config;
  std::vector<std::string> datasets = dataset_names();
  datasets.insert(datasets.begin(), kLeftToTheData);
  v("dataset", c.dataset, one_of(datasets), "Kind of data set; auto recognises it.");
  v("data_dir",
    c.data_dir,
    kFree,
    "Folder with its files, the CSV file of csv, or the file of a pack; empty: where its Debian "
    "package puts them.");
  v("label_in_name",
    c.label_in_name,
    one_of({"auto", "first", "last"}),
    "Where flat image names hold the class: first in 3_17.jpg, last in 17_frog.jpg.");
  v("follow_links", c.follow_links, kFree, "Follow links that lead out of the data set's folder.");
  v("csv_path_column", c.csv_path_column, not_empty(), kFree, "csv: column of the image paths.");
  v("csv_label_column", c.csv_label_column, not_empty(), kFree, "csv: column of the labels.");
  v("csv_split_column", c.csv_split_column, not_empty(), kFree, "csv: column of the splits.");
  v("csv_absolute_paths", c.csv_absolute_paths, kFree, "csv: Allow absolute image paths.");
  v("train_split",
    c.train_split,
    one_of_splits({"train", "validation", "test"}),
    "Split to train on; validation: of data sets that have one.");
  v("eval_split",
    c.eval_split,
    one_of_splits({"auto", "train", "validation", "test"}),
    "Split to evaluate on. auto: validation, else a 10 % hold-out of training.");
  v("test_split",
    c.test_split,
    one_of_splits({"none", "validation", "test"}),
    kFree,
    "Split to test the best checkpoint on, once, after training.");
  v("limit_train",
    c.limit_train,
    at_least(0),
    "Train on so many samples only, the first ones or, of pictures in folders and of parts of a "
    "split, evenly spread ones; 0: all of them.");
  v("limit_eval",
    c.limit_eval,
    at_least(0),
    "Evaluate on so many samples only, chosen like those of training; 0: all of them.");
  v("holdout",
    c.holdout,
    between(-1, 0.99),
    "Share of each class of training held out for evaluation; -1: what eval_split=auto needs.");
  v("folds",
    c.folds,
    between(0, 1000),
    "Parts that the training split is cut into, class by class, one of which is evaluated on in "
    "place of eval_split; 0: none.");
  v("fold", c.fold, at_least(0), "The part that is evaluated on, from 0 on.");
  v("labels_per_class",
    c.labels_per_class,
    at_least(0),
    "Training samples of each class that keep their labels, for semi-supervised training; 0: all.");
  v("unlabeled",
    c.unlabeled,
    one_of({"none", "rest", "split"}),
    "Samples to learn from without labels. rest: those of the training split that have none or are "
    "left over by labels_per_class; split: the data set's own, such as food-11's "
    "training/unlabeled.");
  v("split_seed",
    c.split_seed,
    at_least(-1),
    "Start of the randomness of holdout, folds and labels_per_class; -1: run.seed.");
  v("cache",
    c.cache,
    one_of({"none", "memory"}),
    "memory: pictures are decoded once, in full, and kept in memory that the ranks of a host "
    "share, as many as fit.");
  v("cache_mb",
    c.cache_mb,
    at_least(0),
    kFree,
    "Memory for the cache on each host, in 2^20 bytes; 0: half of what is available.");
}

// What these settings ask of a split; `limit` 0: all samples. Error(kConfig) where no folder is
// named and the data set has no default.
SplitRequest request_of(const DatasetConfig& config, const std::string& split, int64_t limit);

// What is wrong between fields that are each in range, with their paths from the run's settings.
void validate(const DatasetConfig& config, config::Problems& problems);

// Opens the files of a split, undivided (open_datasets.h divides it), and checks their headers and
// labels; pixels are loaded later (see dataset.h). Throws Error(kData) that names the folder, the
// files looked for and what to try.
//
//   std::unique_ptr<Dataset> train = open_dataset(config.data, Split::kTrain);
//   train->start_loading();   // while the model is being built
std::unique_ptr<Dataset> open_dataset(const DatasetConfig& config, Split split);

// Names of the splits that are there, of train, validation, test and unlabeled.
std::vector<std::string> splits_of(const DatasetConfig& config);

// All splits that are there, of train, validation and test, as `dtrain pack` takes them. The limit
// of evaluation holds for all but the training split.
struct NamedSplit {
  std::string name;
  std::unique_ptr<Dataset> dataset;
};
std::vector<NamedSplit> open_all_splits(const DatasetConfig& config);

}  // namespace dtrain::data
