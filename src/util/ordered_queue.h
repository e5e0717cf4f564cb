// Blocks that several threads make and one takes in order.
//
//   OrderedQueue<Block> queue({.count = 100, .threads = 4},
//                             [scratch = Scratch()](int64_t number, Block& block) mutable { ... });
//   while (const Block* block = queue.next()) write(*block);
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "util/background_thread.h"
#include "util/check.h"

namespace dtrain::util {

template <class Block>
class OrderedQueue {
 public:
  // Makes block `number`. `block` is default-constructed or one that was taken before, as it was
  // left. Each thread has a copy of the function: what it holds by value is that thread's own.
  using Make = std::function<void(int64_t number, Block& block)>;

  struct Options {
    int64_t count = 0;    // blocks in all
    int64_t threads = 1;  // at least 1; no more are started than there are blocks
    // Blocks at most that are being made, wait or are looked at; 0: one more than threads, so that
    // none of them waits for the one who takes.
    int64_t blocks = 0;
    // No further block is begun while those that are made hold more than this, as bytes_of() says,
    // unless it is the next.
    int64_t max_bytes = std::numeric_limits<int64_t>::max();
    std::function<int64_t(const Block&)> bytes_of = nullptr;
    const char* name = "dtrain-blocks";  // of the threads
  };

  OrderedQueue(Options options, const Make& make) : options_(std::move(options)) {
    check(options_.count >= 0 && options_.threads > 0 && options_.blocks >= 0,
          "blocks are made by at least one thread");
    const int64_t threads = std::min(options_.threads, options_.count);
    slots_ = std::vector<Slot>(size_t(options_.blocks > 0 ? options_.blocks : threads + 1));
    try {
      for (int64_t i = 0; i < threads; ++i) {
        threads_.push_back(
            start_background_thread(options_.name, 0, [this, mine = make] { work(mine); }));
      }
    } catch (...) {
      stop();
      throw;
    }
  }
  // The blocks that are being made are finished first; no other is begun.
  ~OrderedQueue() { stop(); }
  OrderedQueue(const OrderedQueue&) = delete;
  OrderedQueue& operator=(const OrderedQueue&) = delete;

  // The next block, the taker's until the next call; nullptr after the last. What making it threw
  // comes out of the call that would have returned it, so that the first error in order is the one
  // that is seen; the call after that returns the block behind it.
  Block* next() {
    std::unique_lock lock(mutex_);
    if (is_held_) {
      slot_of(taken_).is_ready = false;
      bytes_ -= slot_of(taken_).bytes;
      ++taken_;
      has_room_.notify_all();
    }
    is_held_ = taken_ < options_.count;
    if (!is_held_) return nullptr;
    Slot& slot = slot_of(taken_);
    is_made_.wait(lock, [&] { return slot.is_ready; });
    if (slot.error) std::rethrow_exception(std::exchange(slot.error, nullptr));
    return &slot.block;
  }

 private:
  struct Slot {
    Block block{};
    int64_t bytes = 0;
    std::exception_ptr error;
    bool is_ready = false;
  };
  Slot& slot_of(int64_t number) { return slots_[size_t(number) % slots_.size()]; }

  bool may_begin() const {
    const bool has_slot = begun_ < taken_ + int64_t(slots_.size());
    return has_slot && (bytes_ < options_.max_bytes || begun_ == taken_);
  }

  void work(const Make& make) {
    for (std::unique_lock lock(mutex_);;) {
      has_room_.wait(lock, [this] { return stop_ || begun_ >= options_.count || may_begin(); });
      if (stop_ || begun_ >= options_.count) return;
      const int64_t number = begun_++;
      Slot& slot = slot_of(number);
      lock.unlock();
      slot.bytes = 0;
      try {
        make(number, slot.block);
        if (options_.bytes_of) slot.bytes = options_.bytes_of(slot.block);
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      slot.is_ready = true;
      bytes_ += slot.bytes;
      if (number == taken_) is_made_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    has_room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  const Options options_;
  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable has_room_;  // a worker may begin a block, or is to end
  std::condition_variable is_made_;   // the next block
  int64_t begun_ = 0, taken_ = 0;     // blocks begun; blocks taken and given back
  int64_t bytes_ = 0;                 // of blocks that are made and not given back
  bool is_held_ = false;              // block `taken_` is with the taker
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dtrain::util
