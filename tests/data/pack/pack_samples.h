// Data sets and files for tests of packs.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "data/pack/pack.h"
#include "data/pack/pack_dataset.h"
#include "tests/support/pictures.h"

namespace dtrain::testing {

// A JPEG again and again, each with other bytes behind its end, which decoders pass over.
class EncodedPictures : public data::Dataset {
 public:
  EncodedPictures(int64_t size, size_t padding)
      : size_(size), padding_(padding), jpeg_(bytes_of(kPictures / "jpeg_420.jpg")) {}

  const std::string& name() const override { return name_; }
  int64_t size() const override { return size_; }
  void read(int64_t index, data::Sample& sample) const override {
    if (on_read) on_read(index);
    sample.encoded = jpeg_;
    for (size_t i = 0; i < padding_; ++i) {
      sample.encoded.push_back(static_cast<uint8_t>(static_cast<size_t>(index) * 31 + i * i));
    }
    sample.target = target(index);
    sample.id = index;
  }
  int64_t target(int64_t index) const override { return index % 3; }
  std::string origin(int64_t index) const override {
    return "train/" + std::to_string(index) + ".jpg";
  }
  data::ImageShape shape() const override { return {0, 0, 3}; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string fingerprint() const override { return "f" + std::to_string(size_); }

  std::function<void(int64_t)> on_read;

 private:
  std::string name_ = "encoded";
  int64_t size_;
  size_t padding_;
  std::vector<uint8_t> jpeg_;
  std::vector<std::string> class_names_ = {"cat", "dog", "Zebra \xc3\xa4"};
};

inline data::PackDataset open_pack(const std::filesystem::path& file,
                                   const std::string& split = "train",
                                   int64_t limit = 0) {
  return data::PackDataset({.name = "pack/" + split,
                            .file = file,
                            .split = split,
                            .limit = limit,
                            .advice = "take another file"});
}

// Reads all samples; throws what reading throws.
inline std::vector<data::Sample> all_samples(const data::Dataset& dataset) {
  std::vector<data::Sample> samples(static_cast<size_t>(dataset.size()));
  for (size_t i = 0; i < samples.size(); ++i) dataset.read(static_cast<int64_t>(i), samples[i]);
  return samples;
}

inline void expect_same(const data::Dataset& left, const data::Dataset& right) {
  ASSERT_EQ(left.size(), right.size());
  EXPECT_EQ(left.class_names(), right.class_names());
  EXPECT_EQ(left.shape(), right.shape());
  const auto a = all_samples(left), b = all_samples(right);
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].target, b[i].target) << i;
    ASSERT_EQ(a[i].id, b[i].id) << i;
    ASSERT_EQ(a[i].encoded, b[i].encoded) << i;
    ASSERT_EQ(a[i].image.pixels, b[i].image.pixels) << i;
  }
}

}  // namespace dtrain::testing
