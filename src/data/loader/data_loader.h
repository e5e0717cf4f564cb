// Worker threads that turn a sampler's plan into batches, in order, ahead of the trainer.
//
// Note [Workers share a batch]
// Workers claim small runs of samples of the oldest batch that still has some, and write straight
// into its slot. The other way, a whole batch per worker, needs as many slots as workers and hands
// over the first batch of an epoch after one worker has decoded all of it; here all workers finish
// it together, memory does not grow with the workers, and order comes for free, because batches are
// begun in order.
//
// Note [Never waiting at the end of an epoch]
// After the last batch of an epoch workers go on with the first batches of the next one (as far as
// there are slots), for that is what a trainer asks for next. start_epoch() for anything else
// throws them away.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "config/fields.h"
#include "data/dataset.h"
#include "data/loader/sample_pipeline.h"
#include "data/loader/sampler.h"
#include "data/loader/slot_allocator.h"
#include "data/sample.h"
#include "data/transforms/view.h"

namespace dtrain::data {

struct LoaderConfig {
  int64_t batch_size = 128;
  int64_t eval_batch_size = 0;
  int64_t workers = 2;
  int64_t prefetch = 4;
  bool drop_last = true;
  int64_t memory_mb = 2048;
  std::string bad_samples = "stop";
  int64_t max_bad_samples = 100;
};

template <class V>
void fields(V& v, LoaderConfig& c) {
  using namespace config;
  v("batch_size",
    c.batch_size,
    between(1, 1 << 20),
    "Images per rank and step; the global batch is this times the ranks.");
  v("eval_batch_size",
    c.eval_batch_size,
    between(0, 1 << 20),
    kFree,
    "Images per rank and step of evaluation; 0: the same as for training.");
  v("workers",
    c.workers,
    between(0, 256),
    kFree,
    "Decode threads per rank; 0 decodes on the calling thread.");
  v("prefetch",
    c.prefetch,
    between(2, 256),
    kFree,
    "Batches in memory per loader: the one in use and those ready or in work.");
  v("drop_last", c.drop_last, "Drop a short last batch. Training only.");
  v("memory_mb",
    c.memory_mb,
    at_least(1),
    kFree,
    "Most memory, in 2^20 bytes, for the batches of a loader; large batches get fewer than "
    "`prefetch`, but at least 2.");
  v("bad_samples",
    c.bad_samples,
    one_of({"stop", "replace"}),
    kFree,
    "What a picture that cannot be decoded does to training: end it, or be replaced by another "
    "sample, always the same. Evaluation always ends: it has no right number without the sample.");
  v("max_bad_samples",
    c.max_bad_samples,
    at_least(0),
    kFree,
    "With replace: training ends when more different samples than this, of all ranks, are bad.");
}

struct LoaderOptions {
  int64_t workers = 2;   // 0: next() decodes on the calling thread
  int64_t prefetch = 4;  // slots, of which there are fewer where they would take too much memory
  uint64_t seed = 0;     // of the augmentation
  BadSamplePolicy bad_samples = {};
  int64_t max_bytes = int64_t{2} << 30;  // of all slots together; two are made in any case
};

// Batches hold the given views of each sample and do not depend on the number of workers or slots.
// One thread at a time may call the methods. `dataset` and `allocator` are borrowed. Threads and
// slots are made by the first start_epoch().
//
//   DataLoader loader(*dataset, sampler, {view}, {.workers = 2, .seed = seed});
//   loader.start_epoch(epoch, first_batch);
//   while (const HostBatch* batch = loader.next()) step(*batch);
class DataLoader {
 public:
  DataLoader(const Dataset& dataset,
             Sampler sampler,
             Views views,
             LoaderOptions options,
             SlotAllocator& allocator = aligned_slot_allocator());
  ~DataLoader();  // stops at once, also in the middle of an epoch

  // From now on next() gives the batches `first_batch`, `first_batch` + 1, ... of `epoch`.
  void start_epoch(int64_t epoch, int64_t first_batch = 0);

  // The next batch, valid until the next call of next() or start_epoch(); nullptr at the end of the
  // epoch. Throws what a worker's read or transform threw, with the sample named: of several
  // failing samples of a batch always the first. A further call goes on with the batch behind it.
  const HostBatch* next();

  int64_t batches_per_epoch() const;  // of this rank
  const Sampler& sampler() const;
  std::set<int64_t> replaced_samples() const;  // indices, of this rank so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dtrain::data
