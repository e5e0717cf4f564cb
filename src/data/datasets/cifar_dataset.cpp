#include "data/datasets/cifar_dataset.h"

#include <algorithm>
#include <string>
#include <utility>

#include "util/atomic_file.h"
#include "util/check.h"
#include "util/hash.h"

namespace dtrain::data {
namespace {

constexpr int64_t kPlane = CifarDataset::kSide * CifarDataset::kSide;
constexpr int64_t kPixelBytes = kPlane * CifarDataset::kChannels;

}  // namespace

CifarDataset::CifarDataset(CifarOptions options) : options_(std::move(options)) {
  for (const auto& file : options_.files) load(file);
  if (options_.limit > 0 && options_.limit < size()) {
    labels_.resize(static_cast<size_t>(options_.limit));
    pixels_.resize(static_cast<size_t>(options_.limit * kPixelBytes));
  }
}

void CifarDataset::load(const std::filesystem::path& file) {
  const std::string content = util::read_file(file);
  const auto bytes = static_cast<int64_t>(content.size());
  const int64_t record = options_.label_bytes + kPixelBytes;
  if (bytes == 0 || bytes % record != 0) {
    throw data_error("data file " + file.string(),
                     "expected records of " + std::to_string(record) + " bytes, found " +
                         std::to_string(bytes) + " bytes (the file is cut short or another one)",
                     options_.advice);
  }
  const auto* at = reinterpret_cast<const uint8_t*>(content.data());
  for (int64_t i = 0; i < bytes / record; ++i, at += record) {
    const uint8_t label = at[options_.label_bytes - 1];
    if (label >= options_.class_names.size()) {
      throw data_error("data file " + file.string(),
                       "expected labels from 0 to " + std::to_string(num_classes() - 1) +
                           ", found " + std::to_string(label) + " in record " + std::to_string(i),
                       options_.advice);
    }
    labels_.push_back(label);
    pixels_.insert(pixels_.end(), at + options_.label_bytes, at + record);
  }
}

void CifarDataset::read(int64_t index, Sample& sample) const {
  check(index >= 0 && index < size(), "a sample's index is below the size of its data set");
  sample.image.resize(shape());
  const uint8_t* planes = pixels_.data() + index * kPixelBytes;
  uint8_t* to = sample.image.pixels.data();
  for (int64_t i = 0; i < kPlane; ++i) {
    for (int64_t c = 0; c < kChannels; ++c) *to++ = planes[c * kPlane + i];
  }
  sample.target = labels_[static_cast<size_t>(index)];
  sample.id = index;
}

std::string CifarDataset::fingerprint() const {
  util::Hasher hasher;
  hasher.update(pixels_.data(), pixels_.size());
  hasher.update(labels_.data(), labels_.size());
  return hasher.hex();
}

}  // namespace dtrain::data
