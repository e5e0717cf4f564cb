// Reads a data set through once while something else goes on, so that what is bad in it shows
// before it is needed.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "data/dataset.h"
#include "data/loader/sample_pipeline.h"
#include "data/loader/sampler.h"
#include "util/check.h"

namespace dtrain::data {

// One thread, which gives way to compute threads and loaders, makes an image of each sample of this
// rank's share, as the view has it, and holds one at a time. Borrows the data set.
class BackgroundCheck {
 public:
  // Samples shard.rank, shard.rank + shard.world_size, ... Starts at once.
  BackgroundCheck(const Dataset& dataset, View view, Shard shard);
  // Ends within a sample.
  ~BackgroundCheck();
  BackgroundCheck(const BackgroundCheck&) = delete;
  BackgroundCheck& operator=(const BackgroundCheck&) = delete;

  struct Found {
    int64_t checked = 0, bad = 0;
    bool is_over = false;
    std::optional<Error> first;  // of the bad ones; names the sample
  };
  Found found() const;

  // Whether there is anything to find: images that are decoded one by one.
  static bool concerns(const Dataset& dataset) { return dataset.shape().height == 0; }

 private:
  void run();
  void check(int64_t index, HostBatch& batch, SamplePipeline::Scratch& scratch);

  SamplePipeline pipeline_;
  int64_t samples_;
  Shard shard_;
  std::atomic<bool> stops_ = false;
  mutable std::mutex mutex_;
  Found found_;
  std::thread thread_;
};

}  // namespace dtrain::data
