// Decoded images in memory that the processes of one host share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "data/sample.h"

namespace dtrain::data {

// A fixed number of places, filled in any order by any process and never emptied; when the memory
// is used up, the rest stays without. All methods may be called from many threads and processes at
// once. The memory belongs to the processes that have it open and is gone with the last of them,
// however that ends: it has no name.
class ImageCache {
 public:
  // Reserves addresses for `bytes` of images; the system gives memory as images are stored. Throws
  // Error(kIo) when it refuses.
  static std::unique_ptr<ImageCache> create(int64_t places, int64_t bytes);

  // The cache that another process of this host made, by its path(). Throws Error(kIo).
  static std::unique_ptr<ImageCache> open(const std::filesystem::path& path);

  ~ImageCache();
  ImageCache(const ImageCache&) = delete;
  ImageCache& operator=(const ImageCache&) = delete;

  // Copies the sample of `place`; false when there is none (yet).
  bool read(int64_t place, Sample& sample) const;
  // Stores a decoded sample unless the place is taken or the memory used up.
  void store(int64_t place, const Sample& sample);

  int64_t places() const;
  int64_t stored() const;      // images
  int64_t used_bytes() const;  // of them
  std::filesystem::path path() const;

 private:
  struct Layout;
  ImageCache(int file, Layout* layout, int64_t mapped);
  uint8_t* pixels() const;

  int file_;
  Layout* layout_;
  int64_t mapped_;  // bytes
};

}  // namespace dtrain::data
