// Small synthetic data sets for tests: in memory, or as IDX files that dtrain opens like any other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace dtrain::testing {

struct TinyOptions {
  int64_t train = 64, test = 32;  // samples
  int64_t height = 8, width = 8, channels = 1;
  int64_t classes = 4;
  uint64_t seed = 1;  // of the noise
};

// Pixels of sample `id` (H x W x C): a bright bar whose place tells the class, under noise. A
// network learns it within a few dozen steps. The class of sample `id` is id % classes.
std::vector<uint8_t> tiny_image(const TinyOptions& options, int64_t id);

// Both splits under MNIST's names, gzipped or not; the folder is created. Opened by
//   data.dataset = "idx", data.data_dir = folder
// The test split holds the samples that follow the training split's.
void write_tiny_idx(const std::filesystem::path& folder,
                    const TinyOptions& options = {},
                    bool gzip = true);

// One IDX file of u8.
void write_idx(const std::filesystem::path& path,
               const std::vector<int64_t>& dims,
               const std::vector<uint8_t>& items,
               bool gzip);

// Any bytes, compressed.
void write_gzip(const std::filesystem::path& path, const std::string& bytes);

// The training split as a data set in memory. `on_read`, if set, is called with each index before
// it is read (from any thread): the place to throw, to count or to wait.
class TinyDataset : public data::Dataset {
 public:
  explicit TinyDataset(TinyOptions options = {}, std::function<void(int64_t)> on_read = nullptr);

  const std::string& name() const override { return name_; }
  int64_t size() const override { return options_.train; }
  void read(int64_t index, data::Sample& sample) const override;
  int64_t target(int64_t index) const override { return index % options_.classes; }
  data::ImageShape shape() const override;
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string fingerprint() const override;

 private:
  std::string name_ = "tiny";
  TinyOptions options_;
  std::function<void(int64_t)> on_read_;
  std::vector<std::string> class_names_;
};

}  // namespace dtrain::testing
