// CIFAR's binary files: layout of pixels and labels, splits, and files that are not whole.
#include "data/datasets/cifar_dataset.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "data/datasets/dataset_registry.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

using dtrain::testing::mentions;

class CifarTest : public ::testing::Test {
 protected:
  // Pixel value of record `number` at (channel, y, x).
  static uint8_t value(int64_t number, int64_t c, int64_t y, int64_t x) {
    return static_cast<uint8_t>(number * 31 + c * 97 + y * 7 + x);
  }
  // `count` records from `first` on; labels before the pixels.
  void write(const std::string& name,
             int64_t first,
             int64_t count,
             const std::vector<uint8_t>& (*labels)(int64_t)) const {
    std::ofstream out(folder_ / name, std::ios::binary);
    for (int64_t i = first; i < first + count; ++i) {
      for (const uint8_t label : labels(i)) out.put(static_cast<char>(label));
      for (int64_t c = 0; c < 3; ++c) {
        for (int64_t y = 0; y < 32; ++y) {
          for (int64_t x = 0; x < 32; ++x) out.put(static_cast<char>(value(i, c, y, x)));
        }
      }
    }
  }
  static const std::vector<uint8_t>& one_label(int64_t i) {
    static std::vector<uint8_t> labels;
    return labels = {static_cast<uint8_t>(i % 10)};
  }
  static const std::vector<uint8_t>& two_labels(int64_t i) {
    static std::vector<uint8_t> labels;
    return labels = {static_cast<uint8_t>(i % 20), static_cast<uint8_t>(i * 7 % 100)};
  }
  std::unique_ptr<Dataset> open(const std::string& name, Split split) const {
    DatasetConfig config;
    config.dataset = name;
    config.data_dir = folder_.path();
    config.eval_split = "test";
    return open_dataset(config, split);
  }
  void write_cifar10() const {
    for (int64_t k = 0; k < 5; ++k) {
      write("data_batch_" + std::to_string(k + 1) + ".bin", 4 * k, 4, one_label);
    }
    write("test_batch.bin", 20, 3, one_label);
  }
  std::string refusal() const {
    try {
      open("cifar10", Split::kTrain);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      return error.what();
    }
    return "none";
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(CifarTest, TenHasFiveFilesOfOneLabelAndPlanes) {
  write_cifar10();
  const auto train = open("cifar10", Split::kTrain), eval = open("cifar10", Split::kEval);
  ASSERT_EQ(train->size(), 20);
  ASSERT_EQ(eval->size(), 3);
  EXPECT_EQ(train->class_names()[9], "truck");
  Sample sample;
  for (const int64_t i : {0, 3, 4, 19}) {
    train->read(i, sample);
    EXPECT_EQ(sample.target, i % 10);
    EXPECT_EQ(train->target(i), i % 10);
    ASSERT_EQ(sample.image.shape, (ImageShape{32, 32, 3}));
    for (const auto& [c, y, x] : {std::tuple{0, 0, 0}, {2, 5, 31}, {1, 31, 4}}) {
      EXPECT_EQ(sample.image.row(y)[x * 3 + c], value(i, c, y, x));
    }
  }
  EXPECT_NE(train->fingerprint(), eval->fingerprint());
}

TEST_F(CifarTest, HundredTakesTheFineLabelAndItsNames) {
  write("train.bin", 0, 5, two_labels);
  std::ofstream names(folder_ / "fine_label_names.txt");
  for (int k = 0; k < 100; ++k) names << "fine" << k << "\n";
  names.close();
  const auto train = open("cifar100", Split::kTrain);
  EXPECT_EQ(train->num_classes(), 100);
  Sample sample;
  train->read(3, sample);
  EXPECT_EQ(sample.target, 21);
  EXPECT_EQ(train->class_names()[21], "fine21");
}

TEST_F(CifarTest, FilesThatAreNotWholeOrNotThereAreNamed) {
  EXPECT_TRUE(mentions(refusal(), {"data_batch_1.bin", "cifar-10-binary"}));
  write_cifar10();
  std::filesystem::resize_file(folder_ / "data_batch_3.bin", 5000);
  EXPECT_TRUE(mentions(refusal(), {"data_batch_3.bin", "3073", "5000"}));
  write("data_batch_3.bin", 0, 1, [](int64_t) -> const std::vector<uint8_t>& {
    static const std::vector<uint8_t> bad = {11};
    return bad;
  });
  EXPECT_TRUE(mentions(refusal(), {"data_batch_3.bin", "found 11"}));
}

TEST_F(CifarTest, MissingFilesAndPipesAreNamedWithoutWaiting) {
  for (int k = 1; k <= 5; ++k) {
    write("data_batch_" + std::to_string(k) + ".bin", k, 1, one_label);
  }
  for (const bool pipe : {false, true}) {
    std::filesystem::remove(folder_ / "data_batch_3.bin");
    if (pipe) {
      ASSERT_EQ(::mkfifo((folder_ / "data_batch_3.bin").c_str(), 0600), 0);
    }
    try {
      open("cifar10", Split::kTrain);
      FAIL() << "opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      EXPECT_TRUE(mentions(error.what(), {"data_batch_3.bin", "cifar-10-binary.tar.gz"}));
    }
  }
}

}  // namespace
}  // namespace dtrain::data
