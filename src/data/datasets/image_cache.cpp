// Anonymous shared memory: a table of places, and behind it the pixels, handed out front to back.
#include "data/datasets/image_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include "util/check.h"

namespace dtrain::data {
namespace {

constexpr uint64_t kMagic = 0x6863616372746400;  // "dtrcach"
constexpr int64_t kCacheAlignment = 64;

int64_t aligned(int64_t bytes) {
  return (bytes + kCacheAlignment - 1) / kCacheAlignment * kCacheAlignment;
}

Error refused(const std::string& what, int error) {
  return io_error("cache of images",
                  what + ": " + std::strerror(error),
                  "lower data.cache_mb, or leave data.cache at none");
}

enum State : uint32_t { kEmpty, kTaken, kReady };

struct Place {
  std::atomic<uint32_t> state;
  uint32_t height, width, channels;
  uint64_t offset;
  int64_t target, id;
};

}  // namespace

struct ImageCache::Layout {
  uint64_t magic;
  int64_t places, capacity, pixels_at;
  std::atomic<int64_t> used, stored;
  std::atomic<bool> full;
  Place place[];
};

static_assert(std::atomic<int64_t>::is_always_lock_free, "processes share the counters");

std::unique_ptr<ImageCache> ImageCache::create(int64_t places, int64_t bytes) {
  check(places >= 0 && bytes >= 0, "a cache has a size");
  const int64_t header = aligned(static_cast<int64_t>(sizeof(Layout) + sizeof(Place) * places));
  const int64_t size = header + bytes;
  const int file = memfd_create("dtrain-images", MFD_CLOEXEC);
  if (file < 0) throw refused("cannot be made", errno);
  if (ftruncate(file, size) != 0) {
    const int error = errno;
    close(file);
    throw refused("cannot grow to " + std::to_string(size) + " bytes", error);
  }
  void* at = mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) {
    const int error = errno;
    close(file);
    throw refused("cannot be mapped", error);
  }
  // Pages of a new memory file are zero: every place is empty.
  auto* layout = static_cast<Layout*>(at);
  layout->places = places;
  layout->capacity = bytes;
  layout->pixels_at = header;
  layout->magic = kMagic;
  return std::unique_ptr<ImageCache>(new ImageCache(file, layout, size));
}

std::unique_ptr<ImageCache> ImageCache::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) throw refused("of another rank cannot be opened (" + path.string() + ")", errno);
  struct stat status {};
  void* at = MAP_FAILED;
  if (fstat(file, &status) == 0 && status.st_size >= static_cast<off_t>(sizeof(Layout))) {
    at = mmap(
        nullptr, static_cast<size_t>(status.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  if (at == MAP_FAILED) {
    const int error = errno;
    close(file);
    throw refused("of another rank cannot be mapped", error);
  }
  auto* layout = static_cast<Layout*>(at);
  auto cache = std::unique_ptr<ImageCache>(new ImageCache(file, layout, status.st_size));
  if (layout->magic != kMagic || layout->pixels_at + layout->capacity != status.st_size) {
    throw refused("of another rank is none", EINVAL);
  }
  return cache;
}

ImageCache::ImageCache(int file, Layout* layout, int64_t mapped)
    : file_(file), layout_(layout), mapped_(mapped) {}

ImageCache::~ImageCache() {
  munmap(layout_, static_cast<size_t>(mapped_));
  close(file_);
}

uint8_t* ImageCache::pixels() const {
  return reinterpret_cast<uint8_t*>(layout_) + layout_->pixels_at;
}

bool ImageCache::read(int64_t place, Sample& sample) const {
  check(place >= 0 && place < layout_->places, "a place is one of the cache");
  const Place& p = layout_->place[place];
  if (p.state.load(std::memory_order_acquire) != kReady) return false;
  sample.encoded.clear();
  sample.target = p.target;
  sample.id = p.id;
  sample.image.resize({p.height, p.width, p.channels});
  std::memcpy(sample.image.pixels.data(), pixels() + p.offset, sample.image.pixels.size());
  return true;
}

void ImageCache::store(int64_t place, const Sample& sample) {
  const Image& image = sample.image;
  check(place >= 0 && place < layout_->places, "a place is one of the cache");
  Place& p = layout_->place[place];
  uint32_t empty = kEmpty;
  if (layout_->full || !p.state.compare_exchange_strong(empty, kTaken)) return;
  const int64_t bytes = aligned(image.shape.bytes());
  const int64_t offset = layout_->used.fetch_add(bytes);
  if (offset + bytes > layout_->capacity) {
    layout_->used.fetch_sub(bytes);
    layout_->full = true;
    p.state = kEmpty;
    return;
  }
  p.height = static_cast<uint32_t>(image.shape.height);
  p.width = static_cast<uint32_t>(image.shape.width);
  p.channels = static_cast<uint32_t>(image.shape.channels);
  p.offset = static_cast<uint64_t>(offset);
  p.target = sample.target;
  p.id = sample.id;
  std::memcpy(pixels() + offset, image.pixels.data(), image.pixels.size());
  layout_->stored.fetch_add(1);
  p.state.store(kReady, std::memory_order_release);
}

int64_t ImageCache::places() const { return layout_->places; }
int64_t ImageCache::stored() const { return layout_->stored; }
int64_t ImageCache::used_bytes() const { return layout_->used; }

std::filesystem::path ImageCache::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_);
}

}  // namespace dtrain::data
