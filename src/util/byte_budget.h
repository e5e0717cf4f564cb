// Bytes that threads share: who needs more than is left waits.
//
//   ByteBudget budget(160 << 20);
//   const ByteBudget::Share share = budget.take(bytes);  // given back at the end of its scope
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace dtrain::util {

class ByteBudget {
 public:
  // `limit` > 0.
  explicit ByteBudget(int64_t limit) : limit_(limit) {}

  class Share {
   public:
    Share(ByteBudget& budget, int64_t bytes) : budget_(budget), bytes_(bytes) {}
    ~Share() { budget_.give_back(bytes_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    ByteBudget& budget_;
    const int64_t bytes_;
  };

  // Waits for `bytes` >= 0. More than the limit counts as the limit: whoever needs it is alone.
  [[nodiscard]] Share take(int64_t bytes) {
    bytes = std::min(bytes, limit_);
    std::unique_lock lock(mutex_);
    given_back_.wait(lock, [&] { return used_ + bytes <= limit_; });
    used_ += bytes;
    return {*this, bytes};
  }

 private:
  void give_back(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
    given_back_.notify_all();
  }

  const int64_t limit_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  int64_t used_ = 0;
};

}  // namespace dtrain::util
