// Data sets opened by name, from files.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "data/datasets/dataset_registry.h"
#include "data/datasets/idx_dataset.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::data {
namespace {

using testing::error_text;
using testing::mentions;
using testing::TempFolder;
using testing::tiny_image;
using testing::TinyOptions;
using testing::write_idx;
using testing::write_tiny_idx;

const char kDebianFolder[] = "/usr/share/datasets/fashion-mnist";

DatasetConfig idx_config(const TempFolder& folder) {
  DatasetConfig config;
  config.dataset = "idx";
  config.data_dir = folder.path();
  config.eval_split = "test";
  return config;
}

std::string open_error(const DatasetConfig& config, ExitCode code = ExitCode::kData) {
  return error_text([&] { open_dataset(config, Split::kTrain)->fingerprint(); }, code);
}

void truncate_file(const std::filesystem::path& path, uintmax_t by) {
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - by);
}

TEST(IdxDataset, GivesEachSampleItsPixelsTargetAndId) {
  for (const bool gzip : {false, true}) {
    TempFolder folder;
    const TinyOptions tiny{.train = 10, .test = 6, .height = 5, .width = 7, .channels = 3};
    write_tiny_idx(folder.path(), tiny, gzip);
    const auto train = open_dataset(idx_config(folder), Split::kTrain);
    const auto eval = open_dataset(idx_config(folder), Split::kEval);
    ASSERT_EQ(train->size(), 10);
    ASSERT_EQ(eval->size(), 6);
    EXPECT_EQ(train->shape(), (ImageShape{5, 7, 3}));
    EXPECT_EQ(train->num_classes(), 4);
    Sample sample;
    train->read(9, sample);
    EXPECT_EQ(sample.image.pixels, tiny_image(tiny, 9));
    EXPECT_EQ(sample.target, 9 % 4);
    EXPECT_EQ(sample.id, 9);
    eval->read(0, sample);
    EXPECT_EQ(sample.image.pixels, tiny_image(tiny, 10));
  }
}

TEST(IdxDataset, LimitKeepsTheFirstSamples) {
  TempFolder folder;
  write_tiny_idx(folder.path(), {.train = 10});
  DatasetConfig config = idx_config(folder);
  config.limit_train = 3;
  const auto limited = open_dataset(config, Split::kTrain);
  EXPECT_EQ(limited->size(), 3);
  Sample sample;
  limited->read(2, sample);
  EXPECT_EQ(sample.image.pixels, tiny_image({.train = 10}, 2));
  config.limit_train = 1000;
  EXPECT_EQ(open_dataset(config, Split::kTrain)->size(), 10);
}

TEST(IdxDataset, FingerprintTellsContentAndNotStorage) {
  TempFolder plain, gzip, other;
  write_tiny_idx(plain.path(), {}, false);
  write_tiny_idx(gzip.path(), {}, true);
  write_tiny_idx(other.path(), {.seed = 2}, true);
  auto fingerprint = [](const TempFolder& folder, int64_t limit = 0) {
    DatasetConfig config = idx_config(folder);
    config.limit_train = limit;
    return open_dataset(config, Split::kTrain)->fingerprint();
  };
  EXPECT_EQ(fingerprint(plain), fingerprint(gzip));
  EXPECT_NE(fingerprint(plain), fingerprint(other));
  EXPECT_NE(fingerprint(plain), fingerprint(plain, 5));
}

TEST(IdxDataset, LoadsOnceWhenManyThreadsReadFirst) {
  TempFolder folder;
  write_tiny_idx(folder.path());
  const auto train = open_dataset(idx_config(folder), Split::kTrain);
  train->start_loading();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&train, t] {
      Sample sample;
      for (int64_t i = t; i < train->size(); i += 4) {
        train->read(i, sample);
        EXPECT_EQ(sample.image.pixels, tiny_image({}, i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

bool has_thread(const std::string& name) {
  for (const std::string& id : testing::names_in("/proc/self/task")) {
    std::ifstream file("/proc/self/task/" + id + "/comm");
    std::string found;
    if (std::getline(file, found) && found == name) return true;
  }
  return false;
}

TEST(IdxDataset, MayGoAwayWhileItLoads) {
  TempFolder folder;
  write_tiny_idx(folder.path(), {.train = 4000, .height = 28, .width = 28});
  open_dataset(idx_config(folder), Split::kTrain)->start_loading();
  // A thread that has been joined may be seen for a moment longer.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (has_thread("dtrain-read") && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(has_thread("dtrain-read"));
}

TEST(IdxDataset, ACutFileIsFoundWhenItIsOpened) {
  TempFolder folder;
  write_tiny_idx(folder.path());
  truncate_file(folder / "train-images-idx3-ubyte.gz", 20);
  EXPECT_TRUE(mentions(
      error_text([&] { open_dataset(idx_config(folder), Split::kTrain); }, ExitCode::kData),
      {"train-images-idx3-ubyte.gz", "cut short"}));
}

TEST(IdxDataset, DamageInsideIsFoundByEveryReadAlsoAfterLoadingInTheBackground) {
  TempFolder folder;
  write_tiny_idx(folder.path());
  const std::filesystem::path images = folder / "train-images-idx3-ubyte.gz";
  std::fstream file(images, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(images) / 2));
  file.write("damage", 6);
  file.close();
  const auto train = open_dataset(idx_config(folder), Split::kTrain);
  train->start_loading();
  for (int attempt = 0; attempt < 2; ++attempt) {
    Sample sample;
    EXPECT_TRUE(mentions(error_text([&] { train->read(0, sample); }, ExitCode::kData),
                         {"train-images-idx3-ubyte.gz", "damaged"}));
  }
}

TEST(IdxDataset, ImagesAndLabelsMustBeEqualInNumber) {
  TempFolder folder;
  write_tiny_idx(folder.path(), {.train = 64});
  write_idx(folder / "train-labels-idx1-ubyte.gz", {63}, std::vector<uint8_t>(63), true);
  EXPECT_TRUE(mentions(open_error(idx_config(folder)), {"expected 64 labels", "found 63"}));
}

TEST(IdxDataset, ALabelBeyondTheClassesIsAnErrorThatSaysWhere) {
  TempFolder folder;
  write_tiny_idx(folder.path(), {.train = 20, .height = 28, .width = 28});
  std::vector<uint8_t> labels(20);
  labels[17] = 37;
  write_idx(folder / "train-labels-idx1-ubyte.gz", {20}, labels, true);
  DatasetConfig config = idx_config(folder);
  config.dataset = "fashion_mnist";
  EXPECT_TRUE(mentions(open_error(config), {"labels from 0 to 9", "found 37 at position 17"}));
}

TEST(DatasetRegistry, BothSplitsAgreeOnTheClassesOfAnyIdxFolder) {
  TempFolder folder;
  write_tiny_idx(folder.path(), {.train = 8, .test = 8, .classes = 8});
  write_idx(folder / "t10k-labels-idx1-ubyte.gz", {8}, std::vector<uint8_t>(8, 11), true);
  EXPECT_EQ(open_dataset(idx_config(folder), Split::kTrain)->num_classes(), 12);
  EXPECT_EQ(open_dataset(idx_config(folder), Split::kEval)->num_classes(), 12);
}

TEST(DatasetRegistry, MissingFilesAreAnErrorThatNamesFolderFilesAndPackage) {
  TempFolder folder;
  DatasetConfig config;
  config.dataset = "fashion_mnist";
  config.data_dir = folder.path();
  EXPECT_TRUE(mentions(
      open_error(config),
      {folder.path(), "train-images-idx3-ubyte.gz", "dataset-fashion-mnist", "--data-dir"}));
  config.data_dir = folder / "nowhere";
  EXPECT_TRUE(
      mentions(open_error(config),
               {"no folder", "nowhere", "train-images-idx3-ubyte", "dataset-fashion-mnist"}));
}

TEST(DatasetRegistry, FilesAreFoundWhereTorchvisionPutsThem) {
  TempFolder folder;
  write_tiny_idx(folder / "FashionMNIST/raw");
  EXPECT_EQ(open_dataset(idx_config(folder), Split::kTrain)->size(), 64);
}

TEST(DatasetRegistry, ADatasetWithoutADefaultFolderAsksForOne) {
  DatasetConfig config;
  config.dataset = "idx";
  EXPECT_TRUE(mentions(open_error(config, ExitCode::kConfig), {"--data-dir"}));
}

TEST(DatasetRegistry, AnUnknownNameIsAnErrorThatListsTheKnownOnes) {
  DatasetConfig config;
  config.dataset = "imagenet";
  EXPECT_TRUE(mentions(open_error(config, ExitCode::kConfig), {"imagenet", "fashion_mnist, idx"}));
}

// Debian's package is a dependency of the tests, so its absence is a failure.
TEST(FashionMnist, HasItsOfficialSplitsClassesMeanAndDeviation) {
  ASSERT_TRUE(std::filesystem::exists(kDebianFolder)) << "apt install dataset-fashion-mnist";
  DatasetConfig config;
  config.dataset = "fashion_mnist";
  config.eval_split = "test";
  const auto train = open_dataset(config, Split::kTrain);
  const auto eval = open_dataset(config, Split::kEval);
  EXPECT_EQ(train->name(), "fashion_mnist/train");
  EXPECT_EQ(train->size(), 60000);
  EXPECT_EQ(eval->size(), 10000);
  EXPECT_EQ(train->shape(), (ImageShape{28, 28, 1}));
  EXPECT_EQ(train->num_classes(), 10);
  Sample sample;
  train->read(0, sample);
  EXPECT_EQ(train->class_names()[static_cast<size_t>(sample.target)], "Ankle boot");

  double sum = 0, squares = 0;
  std::vector<int64_t> count(10);
  for (int64_t i = 0; i < train->size(); ++i) {
    train->read(i, sample);
    ++count[static_cast<size_t>(sample.target)];
    int64_t s = 0, q = 0;
    for (const int64_t v : sample.image.pixels) s += v, q += v * v;
    sum += static_cast<double>(s), squares += static_cast<double>(q);
  }
  EXPECT_EQ(count, std::vector<int64_t>(10, 6000));
  const double mean = sum / (60000 * 784.0);
  const DatasetRow& row = find_dataset("fashion_mnist");
  EXPECT_NEAR(row.mean[0], mean / 255, 5e-5);
  EXPECT_NEAR(row.std[0], std::sqrt(squares / (60000 * 784.0) - mean * mean) / 255, 5e-5);
}

}  // namespace
}  // namespace dtrain::data
