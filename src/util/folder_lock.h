// A folder that one process works in at a time.
#pragma once

#include <filesystem>

namespace dtrain::util {

// Holds an advisory lock on a folder until it is destroyed or its process ends, however that ends.
// Nothing is left behind, but on network file systems a file `.lock`. Where there are no locks at
// all it holds nothing, with a warning in the log.
class FolderLock {
 public:
  // Throws Error(kIo) where another process has it; `doing` says what that one does there:
  // "training in".
  FolderLock(const std::filesystem::path& folder, const char* doing);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace dtrain::util
