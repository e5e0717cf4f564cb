// A folder for one test, gone afterwards; and the limits a test puts on files.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "util/check.h"

namespace dtrain::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::path(::testing::TempDir()) / "dtrain_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// The names in a folder, sorted, hidden ones too.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Runs `body` in a child process whose files cannot grow beyond `bytes` (a write beyond is EFBIG,
// which takes the same way through the program as a full disk). True if the child returned true.
inline bool with_file_size_limit(rlim_t bytes, const std::function<bool()>& body) {
  pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The text of the Error with this exit code that `body` throws; another text if there is none.
inline std::string error_text(const std::function<void()>& body, ExitCode code = ExitCode::kIo) {
  try {
    body();
  } catch (const Error& error) {
    return error.code() == code ? error.what() : "wrong exit code: " + std::string(error.what());
  }
  return "no error";
}

}  // namespace dtrain::testing
