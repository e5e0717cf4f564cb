// Blocks that several threads make and one takes in order.
//
//   BlockQueue<Block> queue(blocks, threads, [&](int64_t number, Block& block) { ... });
//   for (int64_t i = 0; i < blocks; ++i) queue.next([&](Block& block) { write(block); });
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "util/background_thread.h"

namespace dtrain::predictions {

// There is one block more than threads, and blocks are used again. What `make` throws comes out of
// the next() of its block, so that the first error in order is the one that is seen.
template <class Block>
class BlockQueue {
 public:
  using Make = std::function<void(int64_t number, Block& block)>;

  BlockQueue(int64_t count, int64_t threads, Make make)
      : count_(count), make_(std::move(make)), slots_(size_t(threads + 1)) {
    for (int64_t i = 0; i < threads; ++i) {
      threads_.push_back(util::start_background_thread("dtrain-blocks", 0, [this] { work(); }));
    }
  }

  ~BlockQueue() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  BlockQueue(const BlockQueue&) = delete;
  BlockQueue& operator=(const BlockQueue&) = delete;

  template <class Take>
  void next(const Take& take) {
    Slot& slot = slot_of(taken_);
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return slot.is_ready; });
    }
    if (slot.error) std::rethrow_exception(slot.error);
    take(slot.block);
    {
      const std::lock_guard lock(mutex_);
      slot.is_ready = false;
      ++taken_;
    }
    changed_.notify_all();
  }

 private:
  struct Slot {
    Block block;
    std::exception_ptr error;
    bool is_ready = false;
  };
  Slot& slot_of(int64_t number) { return slots_[size_t(number) % slots_.size()]; }

  void work() {
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] {
        return stop_ || claimed_ >= count_ || claimed_ < taken_ + int64_t(slots_.size());
      });
      if (stop_ || claimed_ >= count_) return;
      const int64_t number = claimed_++;
      Slot& slot = slot_of(number);
      lock.unlock();
      try {
        make_(number, slot.block);
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      slot.is_ready = true;
      changed_.notify_all();
    }
  }

  const int64_t count_;
  const Make make_;
  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t claimed_ = 0, taken_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dtrain::predictions
