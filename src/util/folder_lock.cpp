#include "util/folder_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "util/atomic_file.h"
#include "util/background_thread.h"
#include "util/check.h"

namespace dtrain::util {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostHolder = 4096;

Error held_error(const fs::path& folder, const std::string& cause, const std::string& advice) {
  return io_error("folder " + folder.string(), cause, advice);
}

std::string own_host() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// Where numbers of processes mean the same: one boot of a machine, and one namespace in it, for
// containers of a machine number their processes anew. Empty where it cannot be told.
std::string place_of_numbers() {
  std::error_code unknown;
  try {
    std::string boot = read_file("/proc/sys/kernel/random/boot_id", kMostHolder);
    std::erase(boot, '\n');
    const fs::path space = fs::read_symlink("/proc/self/ns/pid", unknown);
    return unknown ? "" : boot + space.string() + "/";
  } catch (const Error&) {
    return {};
  }
}

// The place and the time of start tell a process from a later one with its number.
std::string start_of(pid_t process) {
  std::string text = place_of_numbers();
  if (text.empty()) return {};
  try {
    std::string stat = read_file("/proc/" + std::to_string(process) + "/stat", kMostHolder);
    stat.erase(0, stat.rfind(')') + 1);
    size_t at = 0;
    for (int field = 3; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
    if (at != std::string::npos) text += stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
  } catch (const Error&) {
    return {};
  }
  std::erase(text, '\n');
  return text;
}

// "<process> <start> <host>", of a process that may be killed before it has written it all.
struct Holder {
  pid_t process = 0;
  std::string start, host;
};

std::string identity_of_self() {
  return std::to_string(::getpid()) + " " + start_of(::getpid()) + " " + own_host() + "\n";
}

Holder parse_holder(const std::string& text) {
  Holder holder;
  const size_t first = text.find(' ');
  const size_t second = first == std::string::npos ? first : text.find(' ', first + 1);
  if (second == std::string::npos) return holder;
  holder.process = static_cast<pid_t>(std::atoll(text.c_str()));
  holder.start = text.substr(first + 1, second - first - 1);
  holder.host = text.substr(second + 1, text.find('\n') - second - 1);
  return holder;
}

// Only of a holder whose number means something here; of others the time tells (kStaleSeconds).
bool is_gone(const Holder& holder) {
  const std::string place = place_of_numbers();
  if (holder.process <= 0 || holder.host != own_host()) return false;
  if (place.empty() || !holder.start.starts_with(place)) return false;
  if (::kill(holder.process, 0) != 0 && errno == ESRCH) return true;
  const std::string now = start_of(holder.process);
  return !now.empty() && now != holder.start;
}

// Seconds since the file was touched, by the clock of its file system.
double age_of(const fs::path& file) {
  const fs::path probe = temporary_beside(file);
  struct stat then {
  }, now{};
  OutputFile(probe, OutputFile::Mode::kCreateNew).close();
  const bool known = ::stat(file.c_str(), &then) == 0 && ::stat(probe.c_str(), &now) == 0;
  ::unlink(probe.c_str());
  return known ? std::difftime(now.st_mtime, then.st_mtime) : 0;
}

// False where somebody else has made it.
bool make_holder(const fs::path& file, const std::string& identity) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 && errno == EEXIST) return false;
  if (fd < 0) throw file_error("cannot create", file, errno);
  ::close(fd);
  OutputFile out(file, OutputFile::Mode::kAppend);
  out.write(identity);
  out.close();
  return true;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder, const char* doing)
    : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_ < 0) throw file_error("cannot open folder", folder, errno);
  bool is_held = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
  if (!is_held && errno != EWOULDBLOCK) {
    // NFS locks only what is open for writing, which a folder cannot be.
    const fs::path file = folder / ".lock";
    ::close(fd_);
    fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw file_error("cannot open", file, errno);
    is_held = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
    if (!is_held && errno != EWOULDBLOCK) {
      ::close(std::exchange(fd_, -1));
      ::unlink(file.c_str());
      hold_by_file(folder, doing);
      return;
    }
  }
  if (is_held) return;
  ::close(fd_);
  throw held_error(folder,
                   std::string("another process is ") + doing + " it",
                   "wait for it to end, or choose another folder");
}

void FolderLock::hold_by_file(const fs::path& folder, const char* doing) {
  const fs::path file = folder / ".lock-holder";
  const std::string identity = identity_of_self();
  while (!make_holder(file, identity)) {
    std::string text;
    try {
      text = read_file(file, kMostHolder);
    } catch (const Error&) {
      if (!fs::exists(file)) continue;  // just let go
      throw;
    }
    const Holder holder = parse_holder(text);
    const double age = age_of(file);
    if (!is_gone(holder) && age < kStaleSeconds) {
      // Of a holder elsewhere nobody knows whether it lives: a job that was started again on
      // another host comes back when its time is over.
      const bool may_be_gone = holder.host != own_host();
      throw Error(may_be_gone ? ExitCode::kRetry : ExitCode::kIo,
                  "folder " + folder.string(),
                  std::string("another process is ") + doing + " it" +
                      (holder.process > 0
                           ? ": number " + std::to_string(holder.process) + " on " + holder.host
                           : ""),
                  "wait for it to end; if it has been killed, for " +
                      std::to_string(kStaleSeconds) + " s, or remove " + file.string());
    }
    // Moved away first, so that of several that find it stale only one takes it; and looked at once
    // more, for it may be the new one of that one.
    const fs::path aside = temporary_beside(file);
    std::error_code error;
    fs::rename(file, aside, error);
    if (error == std::errc::no_such_file_or_directory) continue;
    if (error) throw file_error("cannot replace", file, error.value());
    if (read_file(aside, kMostHolder) != text) {
      rename_path(aside, file);
    } else {
      fs::remove(aside, error);
    }
  }
  holder_ = file;
  identity_ = identity;
  touching_ = start_background_thread("dtrain-lock", 0, [this] { keep_touching(); });
}

void FolderLock::keep_touching() {
  std::unique_lock lock(mutex_);
  while (!ends_.wait_for(lock, std::chrono::seconds(kTouchSeconds), [this] { return is_over_; })) {
    ::utimensat(AT_FDCWD, holder_.c_str(), nullptr, 0);
  }
}

FolderLock::~FolderLock() {
  if (touching_.joinable()) {
    {
      std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    ends_.notify_all();
    touching_.join();
    try {
      if (read_file(holder_, kMostHolder) == identity_) ::unlink(holder_.c_str());
    } catch (const Error&) {  // taken over or gone
    }
  }
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace dtrain::util
