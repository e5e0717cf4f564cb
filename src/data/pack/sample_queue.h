// Samples prepared by several threads and handed out in order.
//
//   SampleQueue queue(1000, 4, 256 << 20, prepare);
//   while (PreparedSample* sample = queue.next()) write(*sample);
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "data/framing.h"
#include "data/sample.h"

namespace dtrain::data {

struct PreparedSample {
  int64_t index = 0;
  Sample sample;  // either encoded or image.pixels holds its bytes
  uint32_t crc = 0;
  bool reused = false;       // taken from an interrupted packing
  std::exception_ptr error;  // why there is none

  const std::vector<uint8_t>& bytes() const {
    return sample.encoded.empty() ? sample.image.pixels : sample.encoded;
  }
};

class SampleQueue {
 public:
  // Fills in sample `out.index`; called from all threads at once, each with a scratch of its own.
  // What it throws becomes out.error.
  using Prepare = std::function<void(PreparedSample& out, FramingScratch& scratch)>;

  // Samples 0 .. count - 1. Threads pause while the samples that wait hold more than `max_bytes`,
  // but for the one that is next.
  SampleQueue(int64_t count, int64_t threads, int64_t max_bytes, Prepare prepare);
  ~SampleQueue();  // stops the threads
  SampleQueue(const SampleQueue&) = delete;
  SampleQueue& operator=(const SampleQueue&) = delete;

  // The next one, valid until the next call; nullptr after the last.
  PreparedSample* next();

 private:
  struct Slot {
    PreparedSample prepared;
    bool is_ready = false;
  };

  void work();
  Slot& slot(int64_t index) { return slots_[size_t(index % int64_t(slots_.size()))]; }

  const int64_t count_, max_bytes_;
  const Prepare prepare_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  int64_t claimed_ = 0, taken_ = 0;  // samples begun, samples handed out and given back
  int64_t bytes_ = 0;                // of samples that wait
  bool has_current_ = false, stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dtrain::data
