#include "hdf5/raw_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "util/atomic_file.h"

namespace dtrain::hdf5 {

RawFile::RawFile(int descriptor, std::filesystem::path path)
    : descriptor_(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)), path_(std::move(path)) {
  if (descriptor_ < 0) throw util::file_error("cannot read", path_, errno);
}

RawFile::RawFile(std::filesystem::path path)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), path_(std::move(path)) {
  if (descriptor_ < 0) throw util::file_error("cannot read", path_, errno);
}

RawFile::~RawFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

RawFile::RawFile(RawFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

RawFile& RawFile::operator=(RawFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

bool RawFile::read(int64_t offset, std::span<uint8_t> to) const {
  while (!to.empty()) {
    const ssize_t got = ::pread(descriptor_, to.data(), to.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw util::file_error("cannot read", path_, errno);
    if (got == 0) return false;
    to = to.subspan(size_t(got));
    offset += got;
  }
  return true;
}

}  // namespace dtrain::hdf5
