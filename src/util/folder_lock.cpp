#include "util/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::util {

FolderLock::FolderLock(const std::filesystem::path& folder, const char* doing)
    : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_ < 0) throw file_error("cannot open folder", folder, errno);
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(fd_);
  throw io_error("folder " + folder.string(),
                 std::string("another process is ") + doing + " it",
                 "wait for it to end, or choose another folder");
}

FolderLock::~FolderLock() { ::close(fd_); }

}  // namespace dtrain::util
