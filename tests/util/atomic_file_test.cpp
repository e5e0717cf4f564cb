// Whole files or none: replacement, failures of every kind, and nothing left behind.
#include "util/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace dtrain::util {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::path(testing::TempDir()) / "dtrain_atomic_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  fs::path folder_;
};

// Runs `body` in a child whose files cannot grow beyond `bytes`; returns true if the child said
// yes.
bool with_file_size_limit(rlim_t bytes, const std::function<bool()>& body) {
  pid_t child = fork();
  if (child == 0) {
    rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The text of the Error that `body` throws; empty if none.
std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code() == ExitCode::kIo ? error.what() : "wrong exit code";
  }
  return "";
}

TEST_F(AtomicFileTest, ReplacesTheOldContent) {
  write_file_atomic(folder_ / "a", "one");
  write_file_atomic(folder_ / "a", std::string("two\0bytes", 9));
  EXPECT_EQ(read_file(folder_ / "a"), std::string("two\0bytes", 9));
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(AtomicFileTest, WithoutCommitTheOldFileStaysAndTheTemporaryGoes) {
  write_file_atomic(folder_ / "a", "old");
  {
    AtomicFile file(folder_ / "a");
    file.write("new");
    EXPECT_EQ(read_file(folder_ / "a"), "old");
  }
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(AtomicFileTest, AFileSizeLimitIsAnErrorThatNamesTheFinalFile) {
  write_file_atomic(folder_ / "a", "old");
  EXPECT_TRUE(with_file_size_limit(4096, [&] {
    std::string text = error_of([&] { write_file_atomic(folder_ / "a", std::string(10000, 'x')); });
    return text.find((folder_ / "a").string() + ": File too large; ") != std::string::npos &&
           text.find("ulimit -f") != std::string::npos;
  }));
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(AtomicFileTest, AFullDeviceIsAnError) {
  // /dev/full answers every write with ENOSPC.
  std::string text =
      error_of([] { OutputFile("/dev/full", OutputFile::Mode::kAppend).write("x"); });
  EXPECT_EQ(text,
            "cannot write /dev/full: No space left on device; free some space or choose an output "
            "folder on another disk");
}

TEST_F(AtomicFileTest, AMissingFolderIsAnErrorThatNamesThePath) {
  std::string text = error_of([&] { write_file_atomic(folder_ / "none" / "a", "x"); });
  EXPECT_NE(text.find("none/a: No such file or directory"), std::string::npos) << text;
}

TEST_F(AtomicFileTest, AFolderInTheWayIsAnErrorAndLeavesNoTemporary) {
  fs::create_directories(folder_ / "a" / "b");
  std::string text = error_of([&] { write_file_atomic(folder_ / "a", "x"); });
  EXPECT_NE(text.find((folder_ / "a").string() + ": Is a directory"), std::string::npos) << text;
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(AtomicFileTest, AnUnwritableFolderIsAnError) {
  // The superuser may write everywhere but into /proc.
  std::string text = error_of([] { write_file_atomic("/proc/self/a", "x"); });
  EXPECT_NE(text.find("/proc/self/a: "), std::string::npos) << text;
}

TEST_F(AtomicFileTest, AppendsToWhatIsThere) {
  { OutputFile(folder_ / "log", OutputFile::Mode::kAppend).write("one\n"); }
  OutputFile file(folder_ / "log", OutputFile::Mode::kAppend);
  file.write("two\n");
  file.sync();
  EXPECT_EQ(file.size(), 8);
  file.truncate(4);
  file.write("three\n");
  file.close();
  EXPECT_EQ(read_file(folder_ / "log"), "one\nthree\n");
}

TEST_F(AtomicFileTest, AnAppendThatFailsLeavesWholeRecordsOnly) {
  EXPECT_TRUE(with_file_size_limit(100, [&] {
    OutputFile file(folder_ / "log", OutputFile::Mode::kAppend);
    for (int i = 0; i < 3; ++i) file.write(std::string(29, 'a') + "\n");
    return !error_of([&] { file.write(std::string(29, 'b') + "\n"); }).empty();
  }));
  EXPECT_EQ(read_file(folder_ / "log").size(), 90u);
}

TEST_F(AtomicFileTest, CreatingAFileThatExistsIsAnError) {
  write_file_atomic(folder_ / "a", "x");
  std::string text = error_of([&] { OutputFile(folder_ / "a", OutputFile::Mode::kCreateNew); });
  EXPECT_NE(text.find("File exists"), std::string::npos) << text;
}

TEST_F(AtomicFileTest, ReadingBeyondTheLimitOrAFolderIsAnError) {
  write_file_atomic(folder_ / "a", "12345");
  EXPECT_EQ(read_file(folder_ / "a", 5), "12345");
  EXPECT_NE(error_of([&] { read_file(folder_ / "a", 4); }).find("larger than 4 bytes"),
            std::string::npos);
  EXPECT_NE(error_of([&] { read_file(folder_); }).find("Is a directory"), std::string::npos);
  EXPECT_NE(error_of([&] { read_file(folder_ / "b"); }).find("No such file"), std::string::npos);
}

TEST_F(AtomicFileTest, MakesNestedFoldersAndRefusesAFileInTheWay) {
  make_folders(folder_ / "x" / "y");
  EXPECT_TRUE(fs::is_directory(folder_ / "x" / "y"));
  write_file_atomic(folder_ / "a", "x");
  EXPECT_NE(error_of([&] { make_folders(folder_ / "a"); }).find("Not a directory"),
            std::string::npos);
  EXPECT_NE(error_of([&] { make_folders(folder_ / "a" / "b"); }).find("Not a directory"),
            std::string::npos);
}

TEST_F(AtomicFileTest, TemporariesNeverShareAName) {
  EXPECT_NE(temporary_beside(folder_ / "a"), temporary_beside(folder_ / "a"));
  EXPECT_EQ(temporary_beside(folder_ / "a").parent_path(), folder_);
  EXPECT_EQ(temporary_beside("a").parent_path(), ".");
}

// A container on another host has the same process id, and has written as many files.
TEST_F(AtomicFileTest, TemporariesOfProcessesWithTheSameIdShareNoName) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto without_id = [&](pid_t id) {
    std::string name = temporary_beside(folder_ / "file").filename();
    const std::string digits = "-" + std::to_string(id);
    return name.erase(name.find(digits), digits.size());
  };
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string name = without_id(::getpid());
    ::_exit(::write(ends[1], name.data(), name.size()) == ssize_t(name.size()) ? 0 : 1);
  }
  const std::string mine = without_id(::getpid());
  ::close(ends[1]);
  std::string other(mine.size(), ' ');
  EXPECT_EQ(::read(ends[0], other.data(), other.size()), ssize_t(mine.size()));
  ::close(ends[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(other, mine);
}

TEST_F(AtomicFileTest, PathsAreTheSameHoweverTheyAreWritten) {
  make_folders(folder_ / "a");
  fs::create_directory_symlink(folder_ / "a", folder_ / "link");
  EXPECT_TRUE(same_path(folder_ / "a" / "x", folder_ / "a" / ".." / "link" / "." / "x"));
  EXPECT_TRUE(same_path("x", fs::current_path() / "x"));
  EXPECT_FALSE(same_path(folder_ / "a" / "x", folder_ / "x"));
  write_file_atomic(folder_ / "a" / "x", "1");
  EXPECT_TRUE(same_path(folder_ / "a" / "x", folder_ / "link" / "x"));
}

TEST_F(AtomicFileTest, PipesAndDevicesAreNotReadFrom) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const fs::path& path : {folder_ / "pipe", fs::path("/dev/zero")}) {
    try {
      read_file(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo);
      EXPECT_NE(std::string(error.what()).find("no regular file"), std::string::npos);
    }
  }
}

TEST_F(AtomicFileTest, TriesAnOutputWithoutLeavingOrTouchingAnything) {
  write_file_atomic(folder_ / "old", "kept");
  expect_writable(folder_ / "old");
  expect_writable(folder_ / "new");
  EXPECT_EQ(names(), std::vector<std::string>{"old"});
  EXPECT_EQ(read_file(folder_ / "old"), "kept");
}

TEST_F(AtomicFileTest, SaysBeforehandThatAnOutputCannotBeWritten) {
  const auto refusal = [](const fs::path& path) -> std::string {
    try {
      expect_writable(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo);
      return error.what();
    }
    return "none";
  };
  EXPECT_NE(refusal(folder_ / "gone/x.csv").find("there is no folder"), std::string::npos);
  EXPECT_NE(refusal(folder_).find("it is a folder"), std::string::npos);
  EXPECT_NE(refusal("/proc/x.csv").find("cannot write /proc/x.csv"), std::string::npos);
  write_file_atomic(folder_ / "file", "");
  expect_writable_folder(folder_ / "a/b/");
  EXPECT_EQ(names(), std::vector<std::string>{"file"});
  EXPECT_THROW(expect_writable_folder(folder_ / "file/below"), Error);
}

}  // namespace
}  // namespace dtrain::util
