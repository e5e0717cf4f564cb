#include "util/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "util/atomic_file.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::util {

FolderLock::FolderLock(const std::filesystem::path& folder, const char* doing)
    : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_ < 0) throw file_error("cannot open folder", folder, errno);
  bool is_held = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
  if (!is_held && errno != EWOULDBLOCK) {
    // NFS locks only what is open for writing, which a folder cannot be.
    const std::filesystem::path file = folder / ".lock";
    ::close(fd_);
    fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw file_error("cannot open", file, errno);
    is_held = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
    if (!is_held && errno != EWOULDBLOCK) {
      log_warning("no lock on " + folder.string() + ": " + std::strerror(errno) +
                  "; see to it yourself that no other process is " + doing + " it");
      return;
    }
  }
  if (is_held) return;
  ::close(fd_);
  throw io_error("folder " + folder.string(),
                 std::string("another process is ") + doing + " it",
                 "wait for it to end, or choose another folder");
}

FolderLock::~FolderLock() { ::close(fd_); }

}  // namespace dtrain::util
