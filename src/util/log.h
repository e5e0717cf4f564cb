// A leveled log of whole lines, to a terminal and to files.
//
//   Log log;                                          // writes nowhere yet
//   log.set_terminal(stdout);                         // rank 0
//   log.add_file(folder / "log.txt", Level::kInfo);
//   log.info("Eval: 3  Loss: 0.231");
//
// Thread-safe. Every line is written to its files at once and whole, so that a killed process
// leaves no half line and several processes may append to one file. Writing never throws: when a
// file can no longer be written (a full disk), the log says so once on standard error and gives
// that file up; training that goes on is worth more than its log.
#pragma once

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace dtrain::util {

enum class Level { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

class Log {
 public:
  Log() = default;
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Lines of `lowest` and above appear on `terminal` (borrowed; nullptr: nowhere), bare but for the
  // word "warning:". Files get every line with the time and the level.
  void set_terminal(std::FILE* terminal, Level lowest = Level::kInfo);

  // Appends to a file, which is created when it is not there. Throws Error(kIo) naming it.
  void add_file(const std::filesystem::path& path, Level lowest = Level::kInfo);

  // From now on lines go to the terminal alone.
  void remove_files();

  void debug(std::string_view text) { write(Level::kDebug, text); }
  void info(std::string_view text) { write(Level::kInfo, text); }
  void warning(std::string_view text) { write(Level::kWarning, text); }
  void error(std::string_view text) { write(Level::kError, text); }

  // A warning of one line that files added later get too: for what is noticed before a run has its
  // folder.
  void early_warning(std::string_view text);

  // A text of several lines is written as several lines.
  void write(Level level, std::string_view text);

  // A line of progress: on a terminal that is a screen one line that is overwritten by the next
  // progress line and makes way for any other line; everywhere else an ordinary line of level
  // kInfo.
  void progress(std::string_view line);

  // Whether progress lines overwrite each other.
  bool has_screen() const { return screen_width_ > 0; }

 private:
  struct File {
    int descriptor;
    std::string path;
    Level lowest;
  };

  void clear_progress();
  void write_line_to_files(Level level, std::string_view line);

  std::mutex mutex_;
  std::FILE* terminal_ = nullptr;
  size_t screen_width_ = 0;      // columns; 0: the terminal is no screen
  bool shows_progress_ = false;  // the cursor stands behind a progress line
  Level terminal_lowest_ = Level::kInfo;
  std::vector<File> files_;
  std::vector<std::string> early_warnings_;
};

// The log of this process, and short forms for it. Nothing is written before the run gives it a
// terminal or a file.
Log& log();
inline void log_info(std::string_view text) { log().info(text); }
inline void log_warning(std::string_view text) { log().warning(text); }
inline void log_progress(std::string_view line) { log().progress(line); }

}  // namespace dtrain::util
