// What the fuzz targets share. A target is one file with one function:
//
//   extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);
//
// It hands the bytes to a parser and lets only one thing pass: an Error with the exit code that bad
// input has. Any other exception, a sanitizer's report, a second of silence or half a gigabyte of
// memory is a finding. To add a target: the file, a row in CMakeLists.txt, and small seeds in
// seeds/<target>/.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>

#include "util/check.h"

namespace dtrain::testing {

inline void require(bool ok, const char* expectation) {
  if (ok) return;
  std::fprintf(stderr, "not so: %s\n", expectation);
  std::abort();
}

// A file for parsers that take a path. It has a name, because HDF5 asks for one.
class InputFile {
 public:
  InputFile(const uint8_t* bytes, size_t size)
      : path_((std::filesystem::temp_directory_path() / "dtrain-fuzz-XXXXXX").string()),
        descriptor_(::mkstemp(path_.data())) {
    require(::write(descriptor_, bytes, size) == ssize_t(size), "the input is written");
  }
  ~InputFile() {
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  int64_t size() const { return ::lseek(descriptor_, 0, SEEK_END); }
  // Flips the bits of `mask` in one byte.
  void flip(int64_t at, uint8_t mask) const {
    uint8_t byte = 0;
    require(::pread(descriptor_, &byte, 1, at) == 1, "a byte is there");
    byte ^= mask;
    require(::pwrite(descriptor_, &byte, 1, at) == 1, "a byte is written");
  }

 private:
  std::string path_;
  int descriptor_;
};

// Runs `body`, which may end with an Error of one of these codes and no other. False when it did.
inline bool read_or_refused(std::initializer_list<ExitCode> codes,
                            const std::function<void()>& body) {
  try {
    body();
    return true;
  } catch (const Error& error) {
    const bool expected = std::find(codes.begin(), codes.end(), error.code()) != codes.end();
    if (!expected) std::fprintf(stderr, "%s\n", error.what());
    require(expected, "bad input has the exit code of bad input");
    require(!error.cause().empty(), "a refusal says why");
    return false;
  }
}

}  // namespace dtrain::testing
