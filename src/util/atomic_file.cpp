// Files that are written whole or not at all, and files that grow by whole records.
#include "util/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>

#include "util/text.h"

namespace dtrain::util {
namespace {

namespace fs = std::filesystem;

// Linux writes at most 2 GiB - 4 KiB a call; smaller pieces lose nothing.
constexpr size_t kMaxWrite = size_t{1} << 30;
constexpr size_t kReadPiece = size_t{1} << 20;

struct Descriptor {
  explicit Descriptor(int opened) : fd(opened) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd;
};

std::string advice_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose an output folder on another disk";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f)";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and of its folder, or choose another folder";
    case EROFS:
      return "choose a folder on a file system that can be written";
    case ENOENT:
    case ENOTDIR:
      return "check the path: one of its folders does not exist";
    case EEXIST:
      return "remove it or choose another name";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    default:
      return "check the disk and the path";
  }
}

// Beyond the limit on file sizes (ulimit -f) the kernel sends SIGXFSZ, which kills the process
// before write() can return EFBIG. Unless the program has its own handler, the error is what we
// want.
void turn_size_signal_into_error() {
  static const bool done = [] {
    struct sigaction now {};
    if (sigaction(SIGXFSZ, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
      signal(SIGXFSZ, SIG_IGN);
    }
    return true;
  }();
  (void)done;
}

// Writes all bytes; returns 0 or errno.
int write_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t wrote = ::write(fd, bytes, std::min(size, kMaxWrite));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    if (wrote == 0) return ENOSPC;
    bytes += wrote;
    size -= static_cast<size_t>(wrote);
  }
  return 0;
}

// The user knows a file by its final name, so errors about the temporary speak of that.
template <class F>
auto named_as(const fs::path& path, F&& action) {
  try {
    return action();
  } catch (const Error& error) {
    throw io_error("cannot write " + path.string(), error.cause(), error.advice());
  }
}

}  // namespace

Error file_error(std::string_view verb, const fs::path& path, int error) {
  return io_error(std::string(verb) + " " + path.string(), std::strerror(error), advice_for(error));
}

OutputFile::OutputFile(fs::path path, Mode mode)
    : path_(std::move(path)), append_(mode == Mode::kAppend) {
  turn_size_signal_into_error();
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append_ ? O_APPEND : O_EXCL);
  fd_ = ::open(path_.c_str(), flags, 0666);
  if (fd_ < 0) throw file_error(append_ ? "cannot open" : "cannot create", path_, errno);
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), append_(other.append_) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    path_ = std::move(other.path_);
    fd_ = std::exchange(other.fd_, -1);
    append_ = other.append_;
  }
  return *this;
}

void OutputFile::write(const void* bytes, size_t size) {
  int64_t before = append_ ? this->size() : 0;
  int error = write_all(fd_, static_cast<const char*>(bytes), size);
  if (error == 0) return;
  // Cutting back needs no space, so it works on a full disk; if it fails, the first error still
  // counts.
  if (append_ && ::ftruncate(fd_, before) != 0) error = error ? error : errno;
  throw file_error("cannot write", path_, error);
}

void OutputFile::sync() {
  if (::fsync(fd_) != 0) throw file_error("cannot write (fsync)", path_, errno);
}

void OutputFile::close() {
  if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) {
    throw file_error("cannot write (close)", path_, errno);
  }
}

void OutputFile::truncate(int64_t size) {
  if (::ftruncate(fd_, size) != 0) throw file_error("cannot shorten", path_, errno);
}

int64_t OutputFile::size() const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) throw file_error("cannot read the size of", path_, errno);
  return info.st_size;
}

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)), file_(named_as(path_, [this] {
        return OutputFile(temporary_beside(path_), OutputFile::Mode::kCreateNew);
      })) {}

AtomicFile::~AtomicFile() {
  if (!committed_) ::unlink(file_.path().c_str());
}

void AtomicFile::write(const void* bytes, size_t size) {
  named_as(path_, [&] { file_.write(bytes, size); });
}

void AtomicFile::commit() {
  named_as(path_, [&] {
    file_.sync();
    file_.close();
  });
  rename_path(file_.path(), path_);
  committed_ = true;
  sync_folder(parent_folder(path_));
}

fs::path parent_folder(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

void write_file_atomic(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void expect_writable(const fs::path& path) {
  const std::string what = "cannot write " + path.string();
  std::error_code error;
  if (fs::is_directory(path, error)) throw io_error(what, "it is a folder", "name a file in it");
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
    throw io_error(what, "it is a pipe or a device", "name a file");
  }
  const fs::path parent = parent_folder(path);
  if (!fs::is_directory(parent, error)) {
    throw io_error(what, "there is no folder " + parent.string(), "make it, or choose another one");
  }
  const fs::path trial = temporary_beside(path);
  try {
    OutputFile file(trial, OutputFile::Mode::kCreateNew);
    file.write("\n");
    file.close();
  } catch (const Error& refused) {
    fs::remove(trial, error);
    throw io_error(what, refused.cause(), refused.advice());
  }
  fs::remove(trial, error);
}

void expect_writable_folder(const fs::path& path) {
  const fs::path folder = (path / "").parent_path();
  fs::path there = folder;
  std::error_code error;
  while (!there.empty() && !fs::exists(there, error)) there = there.parent_path();
  if (there == folder) return expect_writable(folder / "trial");
  expect_writable((there.empty() ? "." : there) / folder.filename());
}

std::string read_file(const fs::path& path, int64_t limit) {
  std::string content;
  read_pieces(path, [&](std::string_view piece) {
    if (static_cast<int64_t>(content.size() + piece.size()) > limit) {
      throw io_error("cannot read " + path.string(),
                     "it is larger than " + std::to_string(limit) + " bytes",
                     "check that this is the file you mean");
    }
    content.append(piece);
  });
  return content;
}

void read_pieces(const fs::path& path, const std::function<void(std::string_view)>& take) {
  // Not waiting for who would write to a pipe.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) throw file_error("cannot read", path, errno);
  struct stat status = {};
  if (::fstat(file.fd, &status) != 0) throw file_error("cannot read", path, errno);
  if (S_ISDIR(status.st_mode)) throw file_error("cannot read", path, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw io_error("cannot read " + path.string(),
                   "it is no regular file",
                   "name a file, not a pipe or device");
  }
  std::string buffer(kReadPiece, '\0');
  for (;;) {
    ssize_t got = ::read(file.fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw file_error("cannot read", path, errno);
    if (got == 0) return;
    take(std::string_view(buffer.data(), static_cast<size_t>(got)));
  }
}

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw file_error("cannot create folder", path, error.value());
  if (!fs::is_directory(path, error)) throw file_error("cannot create folder", path, ENOTDIR);
}

void sync_folder(const fs::path& path) {
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd < 0) throw file_error("cannot open folder", path, errno);
  // Some file systems cannot fsync a folder and say so in one way or another; there is nothing more
  // to be done there. A disk that fails or is full is another matter.
  if (::fsync(folder.fd) == 0) return;
  if (errno == EIO || errno == ENOSPC || errno == EDQUOT) {
    throw file_error("cannot write folder", path, errno);
  }
}

void rename_path(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw file_error("cannot replace", to, errno);
}

fs::path whole_path(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? fs::absolute(path).lexically_normal() : whole;
}

bool same_path(const fs::path& a, const fs::path& b) { return whole_path(a) == whole_path(b); }

// Tasks on several hosts write into one folder, and in containers they often have the same process
// id: only chance keeps them apart.
fs::path temporary_beside(const fs::path& path) {
  std::random_device chance;
  const std::string name = ".tmp-" + path.filename().string() + "-" + std::to_string(::getpid()) +
                           formatted("-%08x%08x", chance(), chance());
  return parent_folder(path) / name;
}

}  // namespace dtrain::util
