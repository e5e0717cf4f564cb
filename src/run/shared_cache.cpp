#include "run/shared_cache.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "data/datasets/cached_dataset.h"
#include "util/check.h"
#include "util/control_groups.h"
#include "util/log.h"

namespace dtrain::run {
namespace {

// What a rank tells the others of its host: "<host> <path of the training cache> <path of the
// other one>"; paths only from the rank that made them.
struct Offer {
  std::string host, train, eval;
};

Offer parse_offer(const std::string& text) {
  Offer offer;
  std::istringstream(text) >> offer.host >> offer.train >> offer.eval;
  return offer;
}

// A data set of pictures says so by not knowing their size.
bool has_pictures(const Data& data) { return data.train->shape().height == 0; }

}  // namespace

int64_t available_memory() {
  int64_t available = 0;
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    long long kilobytes = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %lld kB", &kilobytes) == 1) {
      available = static_cast<int64_t>(kilobytes) * 1024;
    }
  }
  if (const auto granted = util::granted_memory()) available = std::min(available, *granted);
  return available;
}

void share_caches(Data& data, const settings::RunConfig& config, const dist::MpiScope& mpi) {
  if (config.data.cache == "none" || !has_pictures(data)) return;
  using data::ImageCache;
  std::unique_ptr<ImageCache> train, eval;
  const int64_t samples = data.train->size() + data.eval->size();
  const int64_t bytes =
      config.data.cache_mb > 0 ? config.data.cache_mb << 20 : available_memory() / 2;
  const std::string offer = dist::together(mpi, [&]() -> std::string {
    if (mpi.local_rank() != 0) return mpi.host();
    // The splits share the memory like samples.
    const auto share = static_cast<double>(data.train->size()) / static_cast<double>(samples);
    const auto train_bytes = static_cast<int64_t>(share * static_cast<double>(bytes));
    train = ImageCache::create(data.train->size(), train_bytes);
    eval = ImageCache::create(data.eval->size(), bytes - train_bytes);
    return mpi.host() + " " + train->path().string() + " " + eval->path().string();
  });
  const std::vector<std::string> offers = mpi.all_gather(offer);
  dist::together(mpi, [&] {
    for (const std::string& text : offers) {
      const Offer other = parse_offer(text);
      if (train || other.train.empty() || other.host != mpi.host()) continue;
      train = ImageCache::open(other.train);
      eval = ImageCache::open(other.eval);
    }
    check(train != nullptr, "each host has a first rank, and it makes the cache");
  });
  if (mpi.rank() == 0) {
    util::log_info("Cache: up to " + std::to_string(bytes >> 20) +
                   " MB of decoded pictures on each host, shared by its ranks");
  }
  data.train = std::make_unique<data::CachedDataset>(std::move(data.train), std::move(train));
  data.eval = std::make_unique<data::CachedDataset>(std::move(data.eval), std::move(eval));
}

}  // namespace dtrain::run
