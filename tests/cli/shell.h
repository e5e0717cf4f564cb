// Runs a program the way a user does, for tests of what it prints and how it ends.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace dtrain::testing {

struct ShellResult {
  int code = -1;       // exit code; -1: ended by a signal, or could not be started
  std::string output;  // standard output and standard error

  std::vector<std::string> lines_with(const std::string& start) const {
    std::vector<std::string> out;
    std::istringstream in(output);
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(start)) out.push_back(line);
    }
    return out;
  }
};

inline ShellResult shell(const std::string& command) {
  ShellResult result;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> chunk;
  while (size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
    result.output.append(chunk.data(), got);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
  return result;
}

}  // namespace dtrain::testing
