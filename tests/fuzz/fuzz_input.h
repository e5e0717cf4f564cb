// What the fuzz targets share. A target is one file with one function:
//
//   extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);
//
// It hands the bytes to a parser and lets only one thing pass: an Error with the exit code that bad
// input has. Any other exception, a sanitizer's report, a second of silence or half a gigabyte of
// memory is a finding. To add a target: the file, a row in CMakeLists.txt, and small seeds in
// seeds/<target>/.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <string>

#include "util/check.h"

namespace dtrain::testing {

// A file in memory, for parsers that take a path.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* bytes, size_t size) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    for (size_t done = 0; done < size;) {
      const ssize_t put = ::write(descriptor_, bytes + done, size - done);
      if (put <= 0) std::abort();
      done += static_cast<size_t>(put);
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  int64_t size() const { return ::lseek(descriptor_, 0, SEEK_END); }
  // Flips the bits of `mask` in one byte.
  void flip(int64_t at, uint8_t mask) const {
    uint8_t byte = 0;
    if (::pread(descriptor_, &byte, 1, at) != 1) std::abort();
    byte ^= mask;
    if (::pwrite(descriptor_, &byte, 1, at) != 1) std::abort();
  }

 private:
  int descriptor_;
};

inline void require(bool ok, const char* expectation) {
  if (ok) return;
  std::fprintf(stderr, "not so: %s\n", expectation);
  std::abort();
}

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
