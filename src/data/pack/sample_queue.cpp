#include "data/pack/sample_queue.h"

#include <utility>

#include "util/background_thread.h"

namespace dtrain::data {
namespace {

// Samples in work or waiting, for each thread: the writer pauses while it writes a chunk.
constexpr int64_t kSlotsPerThread = 8;

}  // namespace

SampleQueue::SampleQueue(int64_t count, int64_t threads, int64_t max_bytes, Prepare prepare)
    : count_(count),
      max_bytes_(max_bytes),
      prepare_(std::move(prepare)),
      slots_(size_t(threads * kSlotsPerThread)) {
  for (int64_t i = 0; i < threads; ++i) {
    threads_.push_back(util::start_background_thread("dtrain-pack", 0, [this] { work(); }));
  }
}

SampleQueue::~SampleQueue() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void SampleQueue::work() {
  FramingScratch scratch;
  for (std::unique_lock lock(mutex_);;) {
    changed_.wait(lock, [this] {
      const bool has_slot = claimed_ < taken_ + int64_t(slots_.size());
      const bool has_room = bytes_ < max_bytes_ || claimed_ == taken_;
      return stop_ || claimed_ >= count_ || (has_slot && has_room);
    });
    if (stop_ || claimed_ >= count_) return;
    Slot& mine = slot(claimed_);
    mine.prepared.index = claimed_++;
    mine.prepared.error = nullptr;
    lock.unlock();
    try {
      prepare_(mine.prepared, scratch);
    } catch (...) {
      mine.prepared.error = std::current_exception();
    }
    lock.lock();
    mine.is_ready = true;
    bytes_ += int64_t(mine.prepared.bytes().size());
    changed_.notify_all();
  }
}

PreparedSample* SampleQueue::next() {
  std::unique_lock lock(mutex_);
  if (has_current_) {
    Slot& last = slot(taken_);
    last.is_ready = false;
    bytes_ -= int64_t(last.prepared.bytes().size());
    ++taken_;
    changed_.notify_all();
  }
  has_current_ = taken_ < count_;
  if (!has_current_) return nullptr;
  changed_.wait(lock, [this] { return slot(taken_).is_ready; });
  return &slot(taken_).prepared;
}

}  // namespace dtrain::data
