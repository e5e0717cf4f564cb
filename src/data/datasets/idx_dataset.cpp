// A pair of IDX files as a data set.
#include "data/datasets/idx_dataset.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "util/background_thread.h"
#include "util/check.h"
#include "util/hash.h"

namespace dtrain::data {

IdxDataset::IdxDataset(IdxDatasetOptions options) : options_(std::move(options)) {
  images_file_ = std::make_unique<IdxFile>(options_.images_path, 3, 4, options_.advice);
  const std::vector<int64_t>& dims = images_file_->dims();
  shape_ = {dims[1], dims[2], dims.size() == 4 ? dims[3] : 1};
  size_ = dims[0];
  read_labels();
  if (options_.limit > 0) size_ = std::min(size_, options_.limit);
  labels_.resize(static_cast<size_t>(size_));
  // A file that looks cut is read at once: better now than when its turn comes, an epoch later.
  if (!images_file_->looks_complete()) ensure_loaded();
}

IdxDataset::~IdxDataset() {
  cancel_ = true;
  if (loader_.joinable()) loader_.join();
}

void IdxDataset::read_labels() {
  IdxFile file(options_.labels_path, 1, 1, options_.advice);
  if (file.dims()[0] != size_) {
    throw data_error("data file " + options_.labels_path,
                     "expected " + std::to_string(size_) + " labels, one for each image of " +
                         options_.images_path + ", found " + std::to_string(file.dims()[0]),
                     options_.advice);
  }
  labels_.resize(static_cast<size_t>(size_));
  file.read(labels_);
  for (size_t i = 0; i < labels_.size(); ++i) {
    if (labels_[i] >= options_.class_names.size()) {
      throw data_error("data file " + options_.labels_path,
                       "expected labels from 0 to " + std::to_string(num_classes() - 1) +
                           ", found " + std::to_string(labels_[i]) + " at position " +
                           std::to_string(i),
                       options_.advice);
    }
  }
}

void IdxDataset::read(int64_t index, Sample& sample) const {
  check(index >= 0 && index < size_, "a sample's index is below the size of its data set");
  ensure_loaded();
  sample.image.resize(shape_);
  const int64_t bytes = shape_.bytes();
  std::memcpy(
      sample.image.pixels.data(), pixels_.get() + index * bytes, static_cast<size_t>(bytes));
  sample.target = labels_[static_cast<size_t>(index)];
  sample.id = index;
}

std::string IdxDataset::fingerprint() const {
  ensure_loaded();
  return fingerprint_;
}

void IdxDataset::start_loading() {
  if (loader_.joinable() || loaded_) return;
  loader_ = util::start_background_thread("dtrain-read", 0, [this] {
    try {
      ensure_loaded();
    } catch (...) {
      // Whoever reads first tries again and gets the error where it can be reported.
    }
  });
}

void IdxDataset::ensure_loaded() const {
  if (loaded_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  if (loaded_.load(std::memory_order_relaxed)) return;
  load();
  loaded_.store(!cancel_, std::memory_order_release);
}

void IdxDataset::load() const {
  // A file is read front to back once, so a second attempt (after an error) opens it again.
  std::unique_ptr<IdxFile> file = std::move(images_file_);
  if (!file) file = std::make_unique<IdxFile>(options_.images_path, 3, 4, options_.advice);
  const size_t bytes = static_cast<size_t>(size_ * shape_.bytes());
  // Not a vector: filling 47 MB with zeros first would cost as much as hashing them.
  std::unique_ptr<uint8_t[]> pixels(new uint8_t[bytes]);
  file->read({pixels.get(), bytes}, &cancel_);
  if (cancel_) return;

  util::Hasher hasher;
  const int64_t dims[] = {size_, shape_.height, shape_.width, shape_.channels};
  hasher.update(dims, sizeof dims);
  hasher.update(pixels.get(), bytes);
  hasher.update(labels_.data(), labels_.size());
  fingerprint_ = hasher.hex();
  pixels_ = std::move(pixels);
}

}  // namespace dtrain::data
