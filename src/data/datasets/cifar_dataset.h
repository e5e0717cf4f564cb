// CIFAR-10 and CIFAR-100 in their binary version: 32 x 32 RGB, held in memory.
//
//   CIFAR-10   data_batch_1.bin .. data_batch_5.bin, test_batch.bin: <label> <3072 pixels>, ...
//   CIFAR-100  train.bin, test.bin: <coarse label> <fine label> <3072 pixels>, ...
//
// Pixels are red, green, blue planes, row-major. Source:
// https://www.cs.toronto.edu/~kriz/cifar.html.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace dtrain::data {

struct CifarOptions {
  std::string name;                          // for messages: "cifar10/train"
  std::vector<std::filesystem::path> files;  // of the split, in order
  int64_t label_bytes = 1;                   // before the pixels; the last of them is the class
  std::vector<std::string> class_names;      // every label must be below their number
  int64_t limit = 0;                         // only the first so many samples; 0: all
  std::string advice;                        // where intact files come from, for messages
};

// Reads all files when made (150 MB in a tenth of a second). Throws Error(kData) for a file whose
// length is not that of whole records, and for labels out of range; Error(kIo) when the system
// refuses to read.
class CifarDataset : public Dataset {
 public:
  static constexpr int64_t kSide = 32, kChannels = 3;

  explicit CifarDataset(CifarOptions options);

  const std::string& name() const override { return options_.name; }
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  void read(int64_t index, Sample& sample) const override;
  int64_t target(int64_t index) const override { return labels_[static_cast<size_t>(index)]; }
  ImageShape shape() const override { return {kSide, kSide, kChannels}; }
  const std::vector<std::string>& class_names() const override { return options_.class_names; }
  std::string fingerprint() const override;

 private:
  void load(const std::filesystem::path& file);

  CifarOptions options_;
  std::vector<uint8_t> pixels_;  // (N, C, H, W), as in the files
  std::vector<uint8_t> labels_;
};

}  // namespace dtrain::data
