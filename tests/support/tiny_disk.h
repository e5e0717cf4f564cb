// A disk that is really full: a small tmpfs in a mount namespace of its own, so that nothing of it
// is seen outside and nothing is left.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace dtrain::testing {

enum class DiskTest { kPassed, kFailed, kNotPermitted };

// Mounts `bytes` of tmpfs over `mount_point` in a child process and runs `body` there.
// kNotPermitted: the process may not mount (it takes root with CAP_SYS_ADMIN, or a kernel that
// allows user namespaces).
inline DiskTest on_tiny_disk(const std::filesystem::path& mount_point,
                             size_t bytes,
                             const std::function<bool()>& body) {
  constexpr int kNotPermitted = 99;
  const uid_t user = ::getuid();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0) {
      if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(kNotPermitted);
      std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    }
    const std::string options = "size=" + std::to_string(bytes);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tiny", mount_point.c_str(), "tmpfs", 0, options.c_str()) != 0) {
      ::_exit(kNotPermitted);
    }
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return DiskTest::kFailed;
  if (WEXITSTATUS(status) == kNotPermitted) return DiskTest::kNotPermitted;
  return WEXITSTATUS(status) == 0 ? DiskTest::kPassed : DiskTest::kFailed;
}

}  // namespace dtrain::testing
