// What reaches the terminal, what reaches the files, and what happens when a file cannot be
// written.
#include "util/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/timer.h"

namespace dtrain::util {
namespace {

// What a pseudo-terminal shows, up to and with `end`. The kernel passes it on in pieces and in its
// own time, so one read need not see it all.
std::string read_until(int screen, const std::string& end) {
  constexpr int kPatienceMs = 10000;
  std::string shown;
  pollfd readable{screen, POLLIN, 0};
  while (!shown.ends_with(end) && ::poll(&readable, 1, kPatienceMs) > 0) {
    char piece[1000];
    const ssize_t count = ::read(screen, piece, sizeof piece);
    if (count <= 0) break;
    shown.append(piece, static_cast<size_t>(count));
  }
  return shown;
}

class LogTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines(const std::string& name) const {
    std::ifstream in(folder_ / name);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }

  dtrain::testing::TempFolder folder_;
};

TEST_F(LogTest, writes_nowhere_until_told_where) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Log log;
  log.warning("to nobody");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(LogTest, stamps_lines_in_files_and_leaves_them_bare_on_the_terminal) {
  Log log;
  std::FILE* terminal = std::fopen((folder_ / "terminal").c_str(), "w");
  log.set_terminal(terminal);
  log.add_file(folder_ / "log.txt");
  log.info("one");
  log.warning("two\nthree\n");
  log.progress("four");
  log.debug("nowhere");
  std::fclose(terminal);
  EXPECT_EQ(lines("terminal"),
            (std::vector<std::string>{"one", "warning: two", "warning: three", "four"}));
  const auto found = lines("log.txt");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_TRUE(std::regex_match(found[0], std::regex(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO  one)")))
      << found[0];
  EXPECT_TRUE(found[2].ends_with("WARN  three"));
  EXPECT_TRUE(found[3].ends_with("INFO  four"));
}

TEST_F(LogTest, overwrites_the_progress_line_on_a_screen_and_keeps_all_of_them_in_files) {
  ::unsetenv("OMPI_COMM_WORLD_RANK");
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(screen, 0);
  ASSERT_EQ(::grantpt(screen) + ::unlockpt(screen), 0);
  std::FILE* terminal = std::fopen(::ptsname(screen), "w");
  ASSERT_NE(terminal, nullptr);
  {
    Log log;
    log.set_terminal(terminal);
    log.add_file(folder_ / "log.txt");
    log.progress("step 1");
    log.progress("step 2 " + std::string(200, '.'));
    log.info("done");
  }
  const std::string shown = read_until(screen, "done\r\n");
  std::fclose(terminal);
  ::close(screen);
  EXPECT_EQ(shown, "\r\x1b[Kstep 1\r\x1b[Kstep 2 " + std::string(79 - 7, '.') + "\r\ndone\r\n");
  EXPECT_EQ(lines("log.txt").size(), 3u);
}

TEST_F(LogTest, writes_plain_lines_under_mpirun_whose_own_output_is_no_screen) {
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_EQ(::grantpt(screen) + ::unlockpt(screen), 0);
  // The parent of the child is this test, whose descriptor 9 stands for mpirun's standard output.
  // The child has a pseudo-terminal as its own descriptor 9.
  const int file = ::open((folder_ / "mpirun").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_EQ(::dup2(file, 9), 9);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    ::dup2(::open(::ptsname(screen), O_RDWR | O_NOCTTY), 9);
    Log log;
    log.set_terminal(::fdopen(9, "w"));
    log.progress("step 1");
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const int reopened = ::open(::ptsname(screen), O_RDWR | O_NOCTTY);  // keeps the screen readable
  const std::string shown = read_until(screen, "step 1\r\n");
  for (int descriptor : {screen, file, reopened, 9}) ::close(descriptor);
  EXPECT_EQ(shown, "step 1\r\n");
}

TEST_F(LogTest, gives_each_file_its_own_level) {
  Log log;
  log.add_file(folder_ / "all", Level::kDebug);
  log.add_file(folder_ / "few", Level::kWarning);
  log.debug("a");
  log.info("b");
  log.warning("c");
  EXPECT_EQ(lines("all").size(), 3u);
  EXPECT_EQ(lines("few").size(), 1u);
}

TEST_F(LogTest, gives_early_warnings_to_files_that_are_added_later) {
  Log log;
  log.early_warning("noticed before there was a folder");
  log.add_file(folder_ / "first");
  log.early_warning("noticed later");
  log.add_file(folder_ / "second");
  EXPECT_EQ(lines("first").size(), 2u);
  EXPECT_EQ(lines("second").size(), 2u);
}

TEST_F(LogTest, appends_to_the_file_of_an_earlier_run) {
  for (int run = 0; run < 2; ++run) {
    Log log;
    log.add_file(folder_ / "log.txt");
    log.info("run");
  }
  EXPECT_EQ(lines("log.txt").size(), 2u);
}

TEST_F(LogTest, keeps_lines_of_several_threads_whole) {
  Log log;
  log.add_file(folder_ / "log.txt");
  std::vector<std::thread> threads;
  for (char c : {'a', 'b', 'c'}) {
    threads.emplace_back([&log, c] {
      for (int i = 0; i < 200; ++i) log.info(std::string(500, c));
    });
  }
  for (auto& thread : threads) thread.join();
  const auto found = lines("log.txt");
  EXPECT_EQ(found.size(), 600u);
  for (const auto& line : found) {
    EXPECT_EQ(line.find_last_not_of(line.back()) + 501, line.size());
  }
}

TEST_F(LogTest, names_a_file_that_cannot_be_opened) {
  Log log;
  try {
    log.add_file(folder_ / "missing/log.txt");
    FAIL() << "a file in a missing folder was opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kIo);
    EXPECT_NE(std::string(error.what()).find("No such file or directory"), std::string::npos);
  }
}

TEST_F(LogTest, goes_on_without_a_file_whose_disk_is_full) {
  Log log;
  log.add_file("/dev/full");
  log.add_file(folder_ / "log.txt");
  ::testing::internal::CaptureStderr();
  log.info("a");
  log.info("b");
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(
      said,
      "warning: log file /dev/full: No space left on device; nothing more is written to it\n");
  EXPECT_EQ(lines("log.txt").size(), 2u);
}

TEST(Timer, goes_forward_and_starts_again) {
  Timer timer;
  const double first = timer.seconds();
  EXPECT_GE(first, 0.0);
  EXPECT_GE(timer.seconds(), first);
  timer.reset();
  EXPECT_GE(timer.seconds(), 0.0);
}

TEST(Log, FilesCanBeGivenUp) {
  const dtrain::testing::TempFolder folder;
  Log log;
  log.add_file(folder / "a.txt");
  log.info("first");
  log.remove_files();
  log.add_file(folder / "b.txt");
  log.info("second");
  EXPECT_EQ(read_file(folder / "a.txt").find("second"), std::string::npos);
  EXPECT_NE(read_file(folder / "b.txt").find("second"), std::string::npos);
}

}  // namespace
}  // namespace dtrain::util
