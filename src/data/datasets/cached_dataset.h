// A data set whose pictures are decoded once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/datasets/image_cache.h"

namespace dtrain::data {

// Decodes each picture of `base` in full and remembers it in `cache`, which has a place for each.
// Every picture is decoded in full, cached or not, so that what training sees does not depend on
// what happened to fit. Pictures of more than 32 MB of pixels are never kept but given as they are,
// to be decoded as far as they are needed. Samples that come as pixels are left alone.
class CachedDataset : public Dataset {
 public:
  CachedDataset(std::unique_ptr<Dataset> base, std::unique_ptr<ImageCache> cache);

  const std::string& name() const override { return base_->name(); }
  int64_t size() const override { return base_->size(); }
  void read(int64_t index, Sample& sample) const override;
  int64_t target(int64_t index) const override { return base_->target(index); }
  std::filesystem::path path(int64_t index) const override { return base_->path(index); }
  std::string origin(int64_t index) const override { return base_->origin(index); }
  std::string describe(int64_t index) const override { return base_->describe(index); }
  ImageShape shape() const override { return base_->shape(); }
  PixelStatistics statistics() const override { return base_->statistics(); }
  const std::vector<std::string>& class_names() const override { return base_->class_names(); }
  std::string fingerprint() const override { return base_->fingerprint(); }
  void start_loading() override { base_->start_loading(); }

  const ImageCache& cache() const { return *cache_; }

 private:
  std::unique_ptr<Dataset> base_;
  std::unique_ptr<ImageCache> cache_;
};

}  // namespace dtrain::data
