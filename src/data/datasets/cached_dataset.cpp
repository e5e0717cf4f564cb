#include "data/datasets/cached_dataset.h"

#include <utility>

#include "image/decoder.h"
#include "image/decoding_share.h"
#include "image/header.h"
#include "util/check.h"

namespace dtrain::data {

namespace {

constexpr int64_t kMaxCachedBytes = 32 << 20;

}  // namespace

CachedDataset::CachedDataset(std::unique_ptr<Dataset> base, std::unique_ptr<ImageCache> cache)
    : base_(std::move(base)), cache_(std::move(cache)) {
  check(cache_->places() == base_->size(), "a cache has a place for each sample");
}

void CachedDataset::read(int64_t index, Sample& sample) const {
  if (cache_->read(index, sample)) return;
  base_->read(index, sample);
  if (sample.encoded.empty()) return;
  const image::Header header = image::read_header(sample.encoded);
  if (header.width * header.height * 3 > kMaxCachedBytes) return;
  {
    image::Decoded decoded;
    const image::DecodingShare share(image::memory_to_decode(header, /*all=*/true), decoded);
    image::decode_all(sample.encoded, base_->shape().channels, sample.image);
  }
  sample.encoded.clear();
  cache_->store(index, sample);
}

}  // namespace dtrain::data
