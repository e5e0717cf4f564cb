#include "data/datasets/cached_dataset.h"

#include <utility>

#include "image/decoder.h"
#include "util/check.h"

namespace dtrain::data {

CachedDataset::CachedDataset(std::unique_ptr<Dataset> base, std::unique_ptr<ImageCache> cache)
    : base_(std::move(base)), cache_(std::move(cache)) {
  check(cache_->places() == base_->size(), "a cache has a place for each sample");
}

void CachedDataset::read(int64_t index, Sample& sample) const {
  if (cache_->read(index, sample)) return;
  base_->read(index, sample);
  if (sample.encoded.empty()) return;
  image::decode_all(sample.encoded, base_->shape().channels, sample.image);
  sample.encoded.clear();
  cache_->store(index, sample);
}

}  // namespace dtrain::data
