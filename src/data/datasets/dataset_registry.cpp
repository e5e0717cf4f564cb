// The table of data sets.
#include "data/datasets/dataset_registry.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "data/datasets/cifar_dataset.h"
#include "data/datasets/class_numbers.h"
#include "data/datasets/csv_index.h"
#include "data/datasets/idx_dataset.h"
#include "data/datasets/idx_file.h"
#include "data/datasets/image_folder.h"
#include "data/datasets/is_file.h"
#include "data/datasets/split_folders.h"
#include "data/pack/pack_dataset.h"
#include "data/split_names.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;

struct IdxPair {
  std::string images, labels;
};

// The names that MNIST, Fashion-MNIST, KMNIST and others share.
IdxPair idx_names(const std::string& split) {
  const std::string prefix = split == "train" ? "train" : "t10k";
  return {prefix + "-images-idx3-ubyte", prefix + "-labels-idx1-ubyte"};
}

// The file `name` or `name`.gz in `folder`, or where torchvision puts it below its root; empty when
// there is none. A plain file wins: it loads faster.
std::string find_idx(const fs::path& folder, const std::string& name) {
  for (const char* below : {"", "raw", "FashionMNIST/raw"}) {
    for (const char* suffix : {"", ".gz"}) {
      const fs::path candidate = folder / below / (name + suffix);
      if (is_file(candidate)) return candidate.string();
    }
  }
  return "";
}

std::string require_idx(const DatasetRow& row, const fs::path& folder, const std::string& name) {
  std::string path = find_idx(folder, name);
  if (!path.empty()) return path;
  std::error_code ignored;
  const std::string cause =
      fs::is_directory(folder, ignored)
          ? "folder " + folder.string() + " has no " + name + " or " + name + ".gz"
          : "there is no folder " + folder.string() + " (expected in it: " + name +
                ".gz and its fellows)";
  throw data_error("data set " + row.name, cause, row.advice + ", or set --data-dir");
}

// Class names 0, 1, ... as far as the labels of any split go, so that both splits agree.
std::vector<std::string> classes_of_idx(const fs::path& folder, const std::string& advice) {
  uint8_t highest = 0;
  for (const char* split : {"train", "test"}) {
    const std::string path = find_idx(folder, idx_names(split).labels);
    if (path.empty()) continue;
    IdxFile file(path, 1, 1, advice);
    std::vector<uint8_t> labels(static_cast<size_t>(file.dims()[0]));
    file.read(labels);
    highest = std::max(highest, *std::max_element(labels.begin(), labels.end()));
  }
  return numbered_classes(highest + 1);
}

bool holds_idx(const DatasetRow& row, const fs::path& folder) {
  if (find_idx(folder, idx_names("train").images).empty()) return false;
  // MNIST and its kin have the same names; only the folder's tells.
  const std::string name = util::lower_case(folder.lexically_normal().string());
  const bool is_fashion =
      name.find("fashion") != std::string::npos || is_directory(folder / "FashionMNIST");
  return is_fashion == (row.name == "fashion_mnist");
}

void expect_train_or_test(const DatasetRow& row, const SplitRequest& request) {
  if (request.split == "train" || request.split == "test") return;
  throw config_error("data set " + row.name,
                     "it has no split " + request.split,
                     request.split == kUnlabelledSplit
                         ? "data.unlabeled=rest takes what data.labels_per_class leaves over"
                         : "set data.train_split and data.eval_split to train or test");
}

std::unique_ptr<Dataset> open_idx(const DatasetRow& row, const SplitRequest& request) {
  expect_train_or_test(row, request);
  const IdxPair files = idx_names(request.split);
  IdxDatasetOptions options;
  options.name = row.name + "/" + request.split;
  options.images_path = require_idx(row, request.folder, files.images);
  options.labels_path = require_idx(row, request.folder, files.labels);
  options.class_names =
      row.class_names.empty() ? classes_of_idx(request.folder, row.advice) : row.class_names;
  options.limit = request.limit;
  options.advice = row.advice;
  return std::make_unique<IdxDataset>(std::move(options));
}

// Where a network gives the classes, the split that it was trained on need not be there.
std::string class_split_of(const SplitRequest& request) {
  if (request.known_classes.empty()) return request.train_split;
  const std::vector<std::string> splits = SplitFolders(request.folder).present();
  const bool is_there =
      std::find(splits.begin(), splits.end(), request.train_split) != splits.end();
  return is_there ? request.train_split : request.split;
}

std::unique_ptr<Dataset> open_folder(const DatasetRow& row, const SplitRequest& request) {
  return std::make_unique<ImageFolder>(ImageFolderOptions{.name = row.name + "/" + request.split,
                                                          .root = request.folder,
                                                          .split = request.split,
                                                          .class_split = class_split_of(request),
                                                          .limit = request.limit,
                                                          .label_in_name = request.label_in_name,
                                                          .follow_links = request.follow_links,
                                                          .advice = row.advice,
                                                          .problems = request.problems});
}

std::unique_ptr<Dataset> open_csv(const DatasetRow& row, const SplitRequest& request) {
  return std::make_unique<CsvIndex>(CsvIndexOptions{.name = row.name + "/" + request.split,
                                                    .path = request.folder,
                                                    .split = request.split,
                                                    .class_split = request.train_split,
                                                    .limit = request.limit,
                                                    .advice = row.advice,
                                                    .csv = request.csv,
                                                    .known_classes = request.known_classes});
}

std::unique_ptr<Dataset> open_pack(const DatasetRow& row, const SplitRequest& request) {
  return std::make_unique<PackDataset>(PackDatasetOptions{.name = row.name + "/" + request.split,
                                                          .file = request.folder,
                                                          .split = request.split,
                                                          .limit = request.limit,
                                                          .advice = row.advice});
}

constexpr std::array<const char*, 3> kCifarPlaces = {
    "", "cifar-10-batches-bin", "cifar-100-binary"};

// The folder itself, or the one that the archive unpacks to.
fs::path cifar_folder(const DatasetRow& row,
                      const fs::path& folder,
                      const std::vector<std::string>& files) {
  const auto missing = [&](const fs::path& place, const std::string& file) {
    return data_error("data set " + row.name,
                      "folder " + place.string() + " has no file " + file,
                      row.advice + ", or set --data-dir");
  };
  for (const char* below : kCifarPlaces) {
    const fs::path place = folder / below;
    if (!is_file(place / files[0])) continue;
    for (const std::string& file : files) {
      if (!is_file(place / file)) throw missing(place, file);
    }
    return place;
  }
  throw missing(folder, files[0]);
}

// One a line; without the file, numbers.
std::vector<std::string> fine_class_names(const fs::path& file) {
  std::vector<std::string> names;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) names.push_back(line);
  }
  return names.empty() ? numbered_classes(100) : names;
}

std::vector<std::string> cifar_files(const DatasetRow& row, bool train) {
  const bool ten = !row.class_names.empty();
  if (!ten) return {train ? "train.bin" : "test.bin"};
  if (!train) return {"test_batch.bin"};
  std::vector<std::string> names;
  for (int k = 1; k <= 5; ++k) names.push_back("data_batch_" + std::to_string(k) + ".bin");
  return names;
}

bool holds_cifar(const DatasetRow& row, const fs::path& folder) {
  const std::string first = cifar_files(row, /*train=*/true).front();
  return std::any_of(kCifarPlaces.begin(), kCifarPlaces.end(), [&](const char* below) {
    return is_file(folder / below / first);
  });
}

std::unique_ptr<Dataset> open_cifar(const DatasetRow& row, const SplitRequest& request) {
  expect_train_or_test(row, request);
  const bool ten = !row.class_names.empty(), train = request.split == "train";
  const std::vector<std::string> names = cifar_files(row, train);
  const fs::path folder = cifar_folder(row, request.folder, names);
  CifarOptions options{
      .name = row.name + "/" + request.split,
      .files = {},
      .label_bytes = ten ? 1 : 2,
      .class_names = ten ? row.class_names : fine_class_names(folder / "fine_label_names.txt"),
      .limit = request.limit,
      .advice = row.advice};
  for (const std::string& name : names) options.files.push_back(folder / name);
  return std::make_unique<CifarDataset>(std::move(options));
}

CsvOptions csv_options(const DatasetConfig& config) {
  return {.path_column = config.csv_path_column,
          .label_column = config.csv_label_column,
          .split_column = config.csv_split_column,
          .absolute_paths = config.csv_absolute_paths,
          .follow_links = config.follow_links};
}

fs::path folder_of(const DatasetRow& row, const DatasetConfig& config) {
  const std::string folder = config.data_dir.empty() ? row.default_dir : config.data_dir;
  if (!folder.empty()) return folder;
  throw config_error(
      "data.data_dir", "data set " + row.name + " has no default folder", "set --data-dir");
}

}  // namespace

const std::vector<DatasetRow>& dataset_rows() {
  static const std::vector<DatasetRow> rows = {
      {.name = "fashion_mnist",
       .description =
           "Fashion-MNIST: 60,000 + 10,000 pictures of clothes, 28 x 28 grey, 10 classes",
       .class_names = {"T-shirt/top",
                       "Trouser",
                       "Pullover",
                       "Dress",
                       "Coat",
                       "Sandal",
                       "Shirt",
                       "Sneaker",
                       "Bag",
                       "Ankle boot"},
       .mean = {0.2860},
       .std = {0.3530},
       .default_dir = "/usr/share/datasets/fashion-mnist",
       .advice = "apt install --reinstall dataset-fashion-mnist",
       .open = open_idx,
       .is_in = holds_idx},
      {.name = "idx",
       .description = "any pair of IDX files of u8 with MNIST's file names, grey or H x W x C",
       .class_names = {},
       .mean = {0.5},
       .std = {0.5},
       .default_dir = "",
       .advice = "put intact {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] into the folder",
       .open = open_idx,
       .is_in = holds_idx},
      {.name = "image_folder",
       .description = "pictures (JPEG, PNG) in folders: <split>/<class>/*, or food-11's flat "
                      "<split>/<class>_<number>.jpg and <split>/labeled/<class>/*",
       .class_names = {},
       .mean = {0.485, 0.456, 0.406},
       .std = {0.229, 0.224, 0.225},
       .default_dir = "",
       .advice = "name the folder that holds train/ and validation/ or test/",
       .open = open_folder,
       .splits = [](const fs::path& folder,
                    const CsvOptions&) { return SplitFolders(folder).present(); }},
      {.name = "csv",
       .description = "pictures (JPEG, PNG) that a CSV file lists: path,label[,split], or a folder "
                      "with train.csv and validation.csv or test.csv",
       .class_names = {},
       .mean = {0.485, 0.456, 0.406},
       .std = {0.229, 0.224, 0.225},
       .default_dir = "",
       .advice = "--data-dir names the CSV file or its folder; rows are path,label[,split], paths "
                 "relative to that folder",
       .open = open_csv,
       .splits = &CsvIndex::splits},
      {.name = "pack",
       .description = "one HDF5 file that `dtrain pack` made of another data set",
       .class_names = {},
       .mean = {0.485, 0.456, 0.406},
       .std = {0.229, 0.224, 0.225},
       .default_dir = "",
       .advice = "name a file that `dtrain pack` made",
       .open = open_pack,
       .splits = [](const fs::path& file, const CsvOptions&) { return PackDataset::splits(file); }},
      {.name = "cifar10",
       .description = "CIFAR-10 in its binary version: 50,000 + 10,000 pictures, 32 x 32 RGB",
       .class_names = {"airplane",
                       "automobile",
                       "bird",
                       "cat",
                       "deer",
                       "dog",
                       "frog",
                       "horse",
                       "ship",
                       "truck"},
       .mean = {0.4914, 0.4822, 0.4465},
       .std = {0.2470, 0.2435, 0.2616},
       .default_dir = "",
       .advice = "unpack cifar-10-binary.tar.gz and name its folder",
       .open = open_cifar,
       .is_in = holds_cifar},
      {.name = "cifar100",
       .description = "CIFAR-100 in its binary version: 50,000 + 10,000 pictures, 100 classes",
       .class_names = {},
       .mean = {0.5071, 0.4865, 0.4409},
       .std = {0.2673, 0.2564, 0.2762},
       .default_dir = "",
       .advice = "unpack cifar-100-binary.tar.gz and name its folder",
       .open = open_cifar,
       .is_in = holds_cifar},
  };
  return rows;
}

std::vector<std::string> dataset_names() {
  std::vector<std::string> names;
  for (const DatasetRow& row : dataset_rows()) names.push_back(row.name);
  return names;
}

PixelStatistics statistics_of(const DatasetRow& row, const Dataset& dataset) {
  PixelStatistics statistics = dataset.statistics();
  if (statistics.empty()) statistics = {row.mean, row.std};
  if (dataset.shape().channels != 1) return statistics;
  for (auto* values : {&statistics.mean, &statistics.std}) {
    const double sum = std::accumulate(values->begin(), values->end(), 0.0);
    *values = {values->size() == 1 ? sum : sum / double(values->size())};
  }
  return statistics;
}

const DatasetRow& find_dataset(const std::string& name) {
  for (const DatasetRow& row : dataset_rows()) {
    if (row.name == name) return row;
  }
  const std::string known =
      util::joined(dataset_rows(), ", ", [](const DatasetRow& row) { return row.name; });
  throw config_error("data.dataset", "there is no data set '" + name + "'", "known are " + known);
}

void validate(const DatasetConfig& config, config::Problems& problems) {
  const auto expect = [&](bool ok, const char* path, const std::string& text) {
    if (!ok) problems.add(path, text);
  };
  const std::string folds = std::to_string(config.folds), fold = std::to_string(config.fold);
  expect(config.holdout == -1 || config.holdout >= 0,
         "data.holdout",
         "must be at least 0, or -1 to have it chosen");
  expect(config.holdout <= 0 || config.folds == 0,
         "data.folds",
         "is " + folds +
             ", but data.holdout takes the evaluation samples from the training split "
             "already");
  expect(config.folds != 1, "data.folds", "is 1, but there are at least two; 0 switches them off");
  expect(config.folds == 0 || config.fold < config.folds,
         "data.fold",
         "is " + fold + ", but the last of " + folds + " data.folds is " +
             std::to_string(config.folds - 1));
  expect(config.folds > 0 || config.fold == 0,
         "data.fold",
         "is " + fold + ", but data.folds is 0, so that there are none");
}

SplitRequest request_of(const DatasetConfig& config, const std::string& split, int64_t limit) {
  return {.folder = folder_of(find_dataset(config.dataset), config),
          .split = split,
          .train_split = config.train_split,
          .limit = limit,
          .label_in_name = config.label_in_name,
          .follow_links = config.follow_links,
          .csv = csv_options(config),
          .known_classes = config.known_classes};
}

std::unique_ptr<Dataset> open_dataset(const DatasetConfig& config, Split split) {
  const DatasetRow& row = find_dataset(config.dataset);
  const bool eval = split == Split::kEval;
  const std::string name = eval                          ? config.eval_split
                           : split == Split::kUnlabelled ? kUnlabelledSplit
                                                         : config.train_split;
  return row.open(row, request_of(config, name, eval ? config.limit_eval : config.limit_train));
}

std::vector<std::string> splits_of(const DatasetConfig& config) {
  const DatasetRow& row = find_dataset(config.dataset);
  if (row.splits == nullptr) return {"train", "test"};
  return row.splits(folder_of(row, config), csv_options(config));
}

std::vector<NamedSplit> open_all_splits(const DatasetConfig& config) {
  const DatasetRow& row = find_dataset(config.dataset);
  std::vector<std::string> names = splits_of(config);
  if (names.empty()) names = {config.train_split};  // whose absence is an error that says more
  std::vector<NamedSplit> splits;
  for (const std::string& name : names) {
    const int64_t limit = name == config.train_split ? config.limit_train : config.limit_eval;
    splits.push_back({name, row.open(row, request_of(config, name, limit))});
  }
  return splits;
}

}  // namespace dtrain::data
