// Runs a Python script of the tests with the reference interpreter: the venv that holds the torch
// wheel.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace dtrain::testing {

struct PythonResult {
  int status = -1;     // 0: the script was content
  std::string output;  // standard output and standard error
};

// `script` is a path below the repository. DTRAIN_PYTHON is set by dtrain_python_test() of CMake.
inline PythonResult run_python(const std::string& script,
                               const std::vector<std::string>& arguments) {
  auto quoted = [](const std::string& text) { return "'" + text + "'"; };
  std::string command = quoted(DTRAIN_PYTHON) + " " + quoted(DTRAIN_SOURCE_DIR "/" + script);
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {-1, "cannot start " + command};
  PythonResult result;
  char buffer[4096];
  while (size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) result.output.append(buffer, got);
  result.status = ::pclose(pipe);
  return result;
}

}  // namespace dtrain::testing
