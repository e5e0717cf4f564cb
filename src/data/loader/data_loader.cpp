// The loader: a ring of slots, filled by workers and emptied by the trainer.
#include "data/loader/data_loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "util/background_thread.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

// Decoding gives way to the compute threads: with a full ring it has time, and a step that loses a
// core to a decoder is a slower step. Not lower than this, or a busy machine would starve it.
constexpr int kWorkerNice = 5;
// Samples claimed at once: enough to make the lock cheap (a 28 x 28 image takes about a
// microsecond), few enough to share a batch of slow ones.
constexpr int64_t kMaxRun = 32;

// One place of the ring. `ticket` counts batches since the loader was made; ticket t lives in slot
// t mod S.
struct Slot {
  HostBatch batch;
  std::shared_ptr<const EpochPlan> plan;
  int64_t ticket = -1;
  int64_t unclaimed = 0;   // first sample no worker has claimed
  int64_t unfinished = 0;  // samples not yet written
  std::exception_ptr error;
  int64_t error_position = 0;
};

struct Run {
  Slot* slot = nullptr;
  int64_t begin = 0, end = 0;
};

}  // namespace

// Tickets below `released` are free again, `released` .. `consumed` - 1 is the batch the trainer
// holds (at most one), `consumed` .. `opened` - 1 are ready or in work. All of it is guarded by
// `mutex`; a run's pixels, targets and ids are written without it, by the one worker that claimed
// them.
struct DataLoader::Impl {
  SamplePipeline pipeline;
  const Sampler sampler;
  const LoaderOptions options;
  SlotAllocator& allocator;
  int64_t slot_bytes = 0;
  int64_t slot_count = 1;
  int64_t run_length = 1;

  std::mutex mutex;
  std::condition_variable work;  // something to claim, or to stop
  std::condition_variable done;  // a batch is ready, or nothing is in work
  std::vector<Slot> slots;
  std::vector<std::thread> threads;
  SamplePipeline::Scratch own_scratch;  // workers = 0
  bool stopping = false, paused = false;
  int64_t in_work = 0;  // runs and plans

  int64_t released = 0, consumed = 0, opened = 0;
  int64_t reader_epoch = -1, reader_batch = 0;  // what next() gives next
  int64_t writer_epoch = -1, writer_batch = 0;  // what is opened next
  std::shared_ptr<const EpochPlan> plan;        // of plan_epoch
  int64_t plan_epoch = -1;
  bool planning = false;
  std::exception_ptr plan_error;

  using Lock = std::unique_lock<std::mutex>;

  Impl(const Dataset& dataset,
       Sampler sampler_,
       Views views,
       LoaderOptions options_,
       SlotAllocator& allocator_);
  ~Impl();
  void make_slots();
  void start_threads();
  Slot& slot_of(int64_t ticket) { return slots[static_cast<size_t>(ticket) % slots.size()]; }
  int64_t batches() const { return sampler.batches_per_epoch(); }

  void restart(Lock& lock, int64_t epoch, int64_t first_batch);
  bool can_open() const;
  bool make_plan(Lock& lock);
  void open_batch();
  std::optional<Run> claim(Lock& lock, bool wait);
  void decode(const Run& run, SamplePipeline::Scratch& scratch);
  void finish(const Run& run, int64_t failed_at, std::exception_ptr error);
  void work_until_stopped();
  void wait_for_batch(Lock& lock);
};

DataLoader::Impl::Impl(const Dataset& dataset,
                       Sampler sampler_,
                       Views views,
                       LoaderOptions options_,
                       SlotAllocator& allocator_)
    : pipeline(dataset, std::move(views), options_.seed, options_.bad_samples),
      sampler(std::move(sampler_)),
      options(options_),
      allocator(allocator_) {
  check(options.workers >= 0 && options.prefetch >= 1, "a loader has slots");
  const int64_t batch_size = std::min(sampler.max_batch_size(), sampler.samples_per_epoch());
  slot_bytes = batch_size * pipeline.views() * pipeline.shape().bytes();
  // Without workers nothing is decoded ahead. With them, less than two slots would make training
  // and decoding wait for each other.
  if (options.workers > 0) {
    const int64_t fitting = options.max_bytes / std::max<int64_t>(slot_bytes, 1);
    slot_count = std::min(options.prefetch, std::max<int64_t>(fitting, 2));
  }
  const int64_t sharers = std::max<int64_t>(options.workers, 1);
  run_length = std::clamp<int64_t>(batch_size / (2 * sharers), 1, kMaxRun);
}

DataLoader::Impl::~Impl() {
  {
    std::lock_guard lock(mutex);
    stopping = true;
  }
  work.notify_all();
  for (std::thread& thread : threads) thread.join();
  for (Slot& slot : slots) {
    if (slot.batch.images) allocator.release(slot.batch.images, static_cast<size_t>(slot_bytes));
  }
}

void DataLoader::Impl::make_slots() {
  if (!slots.empty() && slots.back().batch.images) return;
  slots.resize(static_cast<size_t>(slot_count));
  for (Slot& slot : slots) {
    if (slot.batch.images) continue;  // from a call that ran out of memory
    slot.batch.views = pipeline.views();
    slot.batch.shape = pipeline.shape();
    slot.batch.images = allocator.allocate(static_cast<size_t>(slot_bytes));
  }
}

void DataLoader::Impl::start_threads() {
  while (static_cast<int64_t>(threads.size()) < options.workers) {
    threads.push_back(util::start_background_thread("dtrain-load" + std::to_string(threads.size()),
                                                    kWorkerNice,
                                                    [this] { work_until_stopped(); }));
  }
}

// Throws away what was prepared and begins elsewhere.
void DataLoader::Impl::restart(Lock& lock, int64_t epoch, int64_t first_batch) {
  paused = true;  // nobody may claim while the last runs end
  done.wait(lock, [this] { return in_work == 0; });
  paused = false;
  for (Slot& slot : slots) slot.ticket = -1;
  released = consumed = opened;
  reader_epoch = writer_epoch = epoch;
  reader_batch = writer_batch = first_batch;
  if (first_batch == batches()) {  // nothing left of this epoch
    ++writer_epoch;
    writer_batch = 0;
  }
  plan_error = nullptr;
}

bool DataLoader::Impl::can_open() const {
  return batches() > 0 && !plan_error && opened - released < static_cast<int64_t>(slots.size());
}

// Makes the plan of writer_epoch without the lock (shuffling takes milliseconds). False when
// another worker is at it.
bool DataLoader::Impl::make_plan(Lock& lock) {
  if (planning) return false;
  planning = true;
  ++in_work;
  const int64_t epoch = writer_epoch;
  lock.unlock();
  std::shared_ptr<const EpochPlan> made;
  std::exception_ptr error;
  try {
    made = std::make_shared<const EpochPlan>(sampler.plan(epoch));
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  plan = std::move(made);
  plan_epoch = epoch;
  plan_error = std::move(error);
  planning = false;
  --in_work;
  work.notify_all();
  done.notify_all();
  return true;
}

// Gives the next batch of the plan a slot, from which workers then claim runs.
void DataLoader::Impl::open_batch() {
  Slot& slot = slot_of(opened);
  slot.ticket = opened++;
  slot.plan = plan;
  slot.error = nullptr;
  HostBatch& batch = slot.batch;
  batch.epoch = writer_epoch;
  batch.index = writer_batch;
  batch.size = plan->size(writer_batch);
  batch.global_size = plan->global_size(writer_batch);
  batch.targets.resize(static_cast<size_t>(batch.size));
  batch.ids.resize(static_cast<size_t>(batch.size));
  slot.unclaimed = 0;
  slot.unfinished = batch.size;
  if (batch.size == 0) done.notify_all();
  if (++writer_batch == batches()) {
    ++writer_epoch;
    writer_batch = 0;
  }
}

// The next run of samples, waiting for one if asked to; nothing when stopping, or when there is
// none.
std::optional<Run> DataLoader::Impl::claim(Lock& lock, bool wait) {
  while (!stopping) {
    if (!paused) {
      Slot* newest = opened > consumed ? &slot_of(opened - 1) : nullptr;
      if (newest && newest->unclaimed < newest->batch.size) {
        const int64_t begin = newest->unclaimed;
        newest->unclaimed = std::min(begin + run_length, newest->batch.size);
        ++in_work;
        return Run{newest, begin, newest->unclaimed};
      }
      if (can_open()) {
        if (plan_epoch == writer_epoch && !planning) {
          open_batch();
          work.notify_all();  // there is a batch to share
          continue;
        }
        if (make_plan(lock)) continue;
      }
    }
    if (!wait) return std::nullopt;
    work.wait(lock);
  }
  return std::nullopt;
}

void DataLoader::Impl::decode(const Run& run, SamplePipeline::Scratch& scratch) {
  HostBatch& batch = run.slot->batch;
  for (int64_t i = run.begin; i < run.end; ++i) {
    const int64_t index = run.slot->plan->index(batch.index, i);
    // Handed over when the handler is left: the training thread then holds the only reference.
    std::exception_ptr error;
    try {
      pipeline.make(index, batch.epoch, i, batch, scratch);
    } catch (...) {
      error = std::current_exception();
    }
    if (error) {
      finish(run, i, std::move(error));
      return;
    }
  }
  finish(run, run.end, nullptr);
}

void DataLoader::Impl::finish(const Run& run, int64_t failed_at, std::exception_ptr error) {
  std::lock_guard lock(mutex);
  Slot& slot = *run.slot;
  // The first failing sample of the batch, whichever worker met one first.
  if (error && (!slot.error || failed_at < slot.error_position)) {
    slot.error = std::move(error);
    slot.error_position = failed_at;
  }
  slot.unfinished -= run.end - run.begin;
  --in_work;
  if (slot.unfinished == 0 || in_work == 0) done.notify_all();
}

void DataLoader::Impl::work_until_stopped() {
  SamplePipeline::Scratch scratch;
  for (;;) {
    Lock lock(mutex);
    const std::optional<Run> run = claim(lock, /*wait=*/true);
    if (!run) return;
    lock.unlock();
    decode(*run, scratch);
  }
}

// Until the batch `consumed` is complete. Without workers this is where the work is done.
void DataLoader::Impl::wait_for_batch(Lock& lock) {
  for (;;) {
    const Slot& slot = slot_of(consumed);
    if (slot.ticket == consumed && slot.unfinished == 0) return;
    if (plan_error) std::rethrow_exception(plan_error);
    if (options.workers > 0) {
      done.wait(lock);
      continue;
    }
    if (const std::optional<Run> run = claim(lock, /*wait=*/false)) {
      lock.unlock();
      decode(*run, own_scratch);
      lock.lock();
    }
  }
}

DataLoader::DataLoader(const Dataset& dataset,
                       Sampler sampler,
                       Views views,
                       LoaderOptions options,
                       SlotAllocator& allocator)
    : impl_(std::make_unique<Impl>(
          dataset, std::move(sampler), std::move(views), options, allocator)) {}

DataLoader::~DataLoader() = default;

void DataLoader::start_epoch(int64_t epoch, int64_t first_batch) {
  Impl& d = *impl_;
  check(epoch >= 0 && first_batch >= 0 && first_batch <= d.batches(),
        "an epoch starts at one of its batches");
  d.make_slots();
  {
    Impl::Lock lock(d.mutex);
    d.released = d.consumed;
    const bool finished = d.reader_batch == d.batches();
    const bool prepared = (epoch == d.reader_epoch && first_batch == d.reader_batch) ||
                          (finished && epoch == d.reader_epoch + 1 && first_batch == 0);
    if (prepared) {
      d.reader_epoch = epoch;
      d.reader_batch = first_batch;
    } else {
      d.restart(lock, epoch, first_batch);
    }
  }
  d.work.notify_all();
  d.start_threads();
}

const HostBatch* DataLoader::next() {
  Impl& d = *impl_;
  Impl::Lock lock(d.mutex);
  check(d.reader_epoch >= 0, "start_epoch() comes before next()");
  d.released = d.consumed;
  d.work.notify_all();
  if (d.reader_batch == d.batches()) return nullptr;
  d.wait_for_batch(lock);
  Slot& slot = d.slot_of(d.consumed);
  ++d.consumed;
  ++d.reader_batch;
  if (slot.error) std::rethrow_exception(std::exchange(slot.error, nullptr));
  return &slot.batch;
}

int64_t DataLoader::batches_per_epoch() const { return impl_->batches(); }
const Sampler& DataLoader::sampler() const { return impl_->sampler; }
std::set<int64_t> DataLoader::replaced_samples() const { return impl_->pipeline.replaced(); }

}  // namespace dtrain::data
