// Reads anywhere in a file, from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace dtrain::hdf5 {

class RawFile {
 public:
  RawFile() = default;
  // Shares an open file with whoever opened it; `path` is for messages.
  RawFile(int descriptor, std::filesystem::path path);
  explicit RawFile(std::filesystem::path path);
  ~RawFile();
  RawFile(RawFile&& other) noexcept;
  RawFile& operator=(RawFile&& other) noexcept;

  // Fills `to` from that offset on. False when the file ends before; Error(kIo) when the system
  // refuses.
  bool read(int64_t offset, std::span<uint8_t> to) const;

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

}  // namespace dtrain::hdf5
