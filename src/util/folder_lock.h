// A folder that one process works in at a time.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

namespace dtrain::util {

// Holds an advisory lock on a folder until it is destroyed or its process ends, however that ends.
// Nothing is left behind, but on network file systems a file `.lock`.
//
// Note [Without locks]
// Where a file system has no locks, a file `.lock-holder` that only one process can make takes
// their place. Its holder touches it every kTouchSeconds; one that was not touched for
// kStaleSeconds, or whose process is gone from this host, is of a killed process and is taken over.
// Time is that of the file system: clocks of hosts differ.
class FolderLock {
 public:
  static constexpr int kTouchSeconds = 20;
  static constexpr int kStaleSeconds = 120;

  // Throws Error(kIo) where another process has it; Error(kRetry) where that is one of another host
  // which may have been killed. `doing` says what it does there: "training in".
  FolderLock(const std::filesystem::path& folder, const char* doing);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  void hold_by_file(const std::filesystem::path& folder, const char* doing);
  void keep_touching();

  int fd_ = -1;
  std::filesystem::path holder_;  // the file in place of a lock; empty: there are locks
  std::string identity_;          // what this process wrote into it
  std::mutex mutex_;
  std::condition_variable ends_;
  bool is_over_ = false;
  std::thread touching_;
};

}  // namespace dtrain::util
