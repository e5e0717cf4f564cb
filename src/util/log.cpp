// Log on POSIX file descriptors: O_APPEND makes each line one indivisible write.
#include "util/log.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "util/check.h"

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

// Columns of the screen; 80 where it does not say.
size_t screen_width(std::FILE* terminal) {
  winsize size{};
  if (::ioctl(::fileno(terminal), TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 80;
  return size.ws_col;
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
  for (const File& file : files_) ::close(file.descriptor);
}

void Log::set_terminal(std::FILE* terminal, Level lowest) {
  const std::lock_guard lock(mutex_);
  clear_progress();
  terminal_ = terminal;
  terminal_lowest_ = lowest;
  is_screen_ = terminal != nullptr && ::isatty(::fileno(terminal)) == 1;
}

void Log::add_file(const std::filesystem::path& path, Level lowest) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    throw io_error("log file " + path.string(), std::strerror(errno), "is the folder writable?");
  }
  const std::lock_guard lock(mutex_);
  files_.push_back({descriptor, path.string(), lowest});
}

void Log::write(Level level, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (level >= terminal_lowest_) clear_progress();
  for_each_line(text, [&](std::string_view line) {
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
  if (!is_screen_) {
    write(Level::kInfo, line);
    return;
  }
  const std::lock_guard lock(mutex_);
  write_line_to_files(Level::kInfo, line);
  // A line that wraps could not be overwritten.
  const std::string_view shown = line.substr(0, screen_width(terminal_) - 1);
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
