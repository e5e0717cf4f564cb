// Images and labels from a pair of IDX files, decompressed once into memory.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "data/dataset.h"
#include "data/datasets/idx_file.h"

namespace dtrain::data {

struct IdxDatasetOptions {
  std::string name;                      // for messages: "fashion_mnist/train"
  std::string images_path, labels_path;  // plain or gzipped
  std::vector<std::string> class_names;  // every label must be below their number
  int64_t limit = 0;                     // only the first so many samples; 0: all
  std::string advice;                    // where intact files come from, for messages
};

// Images of rank 3 (N, H, W) or 4 (N, H, W, C), labels of rank 1. The constructor opens both files,
// compares their counts and reads the labels (tiny); the pixels are decompressed by
// start_loading(), fingerprint() or the first read(), whichever comes first. With a limit only that
// many images are decompressed. Throws Error(kData) for files that are damaged or do not belong
// together.
class IdxDataset : public Dataset {
 public:
  explicit IdxDataset(IdxDatasetOptions options);
  ~IdxDataset() override;

  const std::string& name() const override { return options_.name; }
  int64_t size() const override { return size_; }
  void read(int64_t index, Sample& sample) const override;
  int64_t target(int64_t index) const override { return labels_[static_cast<size_t>(index)]; }
  ImageShape shape() const override { return shape_; }
  const std::vector<std::string>& class_names() const override { return options_.class_names; }
  std::string fingerprint() const override;
  void start_loading() override;

 private:
  void read_labels();
  void ensure_loaded() const;
  void load() const;

  IdxDatasetOptions options_;
  int64_t size_ = 0;
  ImageShape shape_;
  std::vector<uint8_t> labels_;

  // The content, filled once under mutex_; loaded_ tells readers without taking it.
  mutable std::mutex mutex_;
  mutable std::atomic<bool> loaded_{false};
  mutable std::unique_ptr<IdxFile> images_file_;  // until loaded
  mutable std::unique_ptr<uint8_t[]> pixels_;     // (N, H, W, C)
  mutable std::string fingerprint_;

  std::atomic<bool> cancel_{false};
  std::thread loader_;
};

}  // namespace dtrain::data
