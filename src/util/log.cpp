// Log on POSIX file descriptors: O_APPEND makes each line one indivisible write.
#include "util/log.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "util/check.h"
#include "util/utf8.h"

namespace dtrain::util {
namespace {

constexpr const char* kEraseLine = "\r\x1b[K";  // back to column 0, erase to the end

// "2026-01-31 13:05:59 INFO  ", local time.
std::string line_prefix(Level level) {
  static constexpr std::array<const char*, 4> names = {"DEBUG ", "INFO  ", "WARN  ", "ERROR "};
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  std::array<char, 32> stamp;
  const size_t length = std::strftime(stamp.data(), stamp.size(), "%Y-%m-%d %H:%M:%S ", &parts);
  return std::string(stamp.data(), length) + names[static_cast<size_t>(level)];
}

// Note [Screens under mpirun]
// mpirun gives its ranks a pseudo-terminal even when its own output goes to a file, so that
// isatty() says nothing there. What counts is the output of mpirun itself, the parent of rank 0.
// Where rank 0 runs on another host than mpirun, its parent is a daemon without a terminal:
// ordinary lines.
//
// The descriptor that ends up before the user's eyes, to be closed by the caller; -1 when that is
// not a screen.
int open_screen(std::FILE* terminal) {
  const int own = ::fileno(terminal);
  if (::isatty(own) != 1) return -1;
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return ::dup(own);
  const std::string parents = "/proc/" + std::to_string(::getppid()) + "/fd/" + std::to_string(own);
  std::array<char, 256> target{};
  if (::readlink(parents.c_str(), target.data(), target.size() - 1) < 0) return -1;
  const bool is_terminal = std::string_view(target.data()).starts_with("/dev/pts/") ||
                           std::string_view(target.data()).starts_with("/dev/tty");
  return is_terminal ? ::open(parents.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC) : -1;
}

// Columns of the screen, 80 where it does not say; 0 when it is none.
size_t measure_screen(std::FILE* terminal) {
  const int screen = terminal == nullptr ? -1 : open_screen(terminal);
  if (screen < 0) return 0;
  winsize size{};
  const bool known = ::ioctl(screen, TIOCGWINSZ, &size) == 0 && size.ws_col >= 2;
  ::close(screen);
  return known ? size.ws_col : 80;
}

// 0, or the error number of the write that failed.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

template <class F>
void for_each_line(std::string_view text, const F& f) {
  for (;;) {
    const size_t end = text.find('\n');
    f(text.substr(0, end));
    if (end == std::string_view::npos || end + 1 == text.size()) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Log::~Log() {
  clear_progress();
  remove_files();
}

void Log::remove_files() {
  const std::lock_guard lock(mutex_);
  for (const File& file : files_) ::close(file.descriptor);
  files_.clear();
}

void Log::set_terminal(std::FILE* terminal, Level lowest) {
  const std::lock_guard lock(mutex_);
  clear_progress();
  terminal_ = terminal;
  terminal_lowest_ = lowest;
  screen_width_ = measure_screen(terminal);
}

void Log::add_file(const std::filesystem::path& path, Level lowest) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    throw io_error("log file " + path.string(), std::strerror(errno), "is the folder writable?");
  }
  const std::lock_guard lock(mutex_);
  std::vector<File> others = std::move(files_);
  files_ = {{descriptor, path.string(), lowest}};
  for (const std::string& line : early_warnings_) write_line_to_files(Level::kWarning, line);
  others.insert(others.end(), files_.begin(), files_.end());
  files_ = std::move(others);
}

void Log::early_warning(std::string_view text) {
  write(Level::kWarning, text);
  const std::lock_guard lock(mutex_);
  early_warnings_.emplace_back(text);
}

void Log::write(Level level, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (level >= terminal_lowest_) clear_progress();
  for_each_line(text, [&](std::string_view bytes) {
    const std::string line = printable(bytes);
    if (terminal_ != nullptr && level >= terminal_lowest_) {
      std::fprintf(terminal_,
                   "%s%.*s\n",
                   level == Level::kWarning ? "warning: " : "",
                   static_cast<int>(line.size()),
                   line.data());
    }
    write_line_to_files(level, line);
  });
  // A terminal that is a pipe would otherwise show lines only when its buffer is full.
  if (terminal_ != nullptr) std::fflush(terminal_);
}

void Log::progress(std::string_view line) {
  if (screen_width_ == 0) {
    write(Level::kInfo, line);
    return;
  }
  const std::lock_guard lock(mutex_);
  write_line_to_files(Level::kInfo, line);
  // A line that wraps could not be overwritten.
  const std::string_view shown = line.substr(0, screen_width_ - 1);
  std::fprintf(terminal_, "%s%.*s", kEraseLine, static_cast<int>(shown.size()), shown.data());
  std::fflush(terminal_);
  shows_progress_ = true;
}

// The last progress line stays readable: what follows starts below it.
void Log::clear_progress() {
  if (!shows_progress_) return;
  shows_progress_ = false;
  std::fputc('\n', terminal_);
  std::fflush(terminal_);
}

void Log::write_line_to_files(Level level, std::string_view line) {
  if (files_.empty()) return;
  const std::string whole = line_prefix(level) + std::string(line) + "\n";
  std::erase_if(files_, [&](const File& file) {
    if (level < file.lowest) return false;
    const int error = write_all(file.descriptor, whole);
    if (error == 0) return false;
    std::fprintf(stderr,
                 "warning: log file %s: %s; nothing more is written to it\n",
                 file.path.c_str(),
                 std::strerror(error));
    ::close(file.descriptor);
    return true;
  });
}

Log& log() {
  static Log instance;
  return instance;
}

}  // namespace dtrain::util
