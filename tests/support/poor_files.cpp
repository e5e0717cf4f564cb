// A file system that lacks what the variable POOR_FILES lists, some of "symlink flock renameat2
// fsync" (of folders): the functions of the C library, with answers that such file systems give.
// For LD_PRELOAD, or linked into a test.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace {

bool lacks(const char* what) {
  const char* list = std::getenv("POOR_FILES");
  return list != nullptr && std::strstr(list, what) != nullptr;
}

int refuse(int error) {
  errno = error;
  return -1;
}

}  // namespace

extern "C" {

int symlink(const char* target, const char* link) noexcept {
  if (lacks("symlink")) return refuse(EPERM);
  return static_cast<int>(::syscall(SYS_symlinkat, target, AT_FDCWD, link));
}

int flock(int fd, int operation) noexcept {
  if (lacks("flock")) return refuse(ENOSYS);
  return static_cast<int>(::syscall(SYS_flock, fd, operation));
}

int renameat2(
    int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) noexcept {
  if (lacks("renameat2") && flags != 0) return refuse(EINVAL);
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int fsync(int fd) {
  struct stat status {};
  if (lacks("fsync") && ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    return refuse(EINVAL);
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

}  // extern "C"
