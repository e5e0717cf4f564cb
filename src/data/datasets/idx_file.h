// IDX files, the format of MNIST and its relatives: a magic number, dimensions, then an array of
// bytes.
//
//   0x00 0x00 <type> <rank>   type 0x08 = u8, the only one read here; rank = number of dimensions
//   <size> x rank             u32, big-endian; the first is the number of items
//   <data>                    row-major
//
// Source: http://yann.lecun.com/exdb/mnist. Files may be gzipped (told by their first bytes, not by
// name).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dtrain::data {

// An open IDX file whose header has been checked. Throws Error(kData) naming the file, what was
// expected and what was found for anything that is not an intact IDX file of u8, and Error(kIo)
// when the system refuses to read.
//
//   IdxFile file("train-labels-idx1-ubyte.gz", 1, "apt install --reinstall dataset-fashion-mnist");
//   std::vector<uint8_t> labels(file.dims()[0]);
//   file.read(labels);
class IdxFile {
 public:
  // `min_rank`..`max_rank`: numbers of dimensions that make sense here. `advice`: where an intact
  // copy comes from, for error messages.
  IdxFile(const std::string& path, int64_t min_rank, int64_t max_rank, std::string advice);
  ~IdxFile();
  IdxFile(IdxFile&&) noexcept;

  const std::string& path() const;
  const std::vector<int64_t>& dims() const;  // every one >= 1; the product fits the file
  int64_t item_bytes() const;                // product of all dimensions but the first

  // False when the last bytes of a gzipped file contradict its header, so the file is probably cut:
  // a cheap hint (the definite answer is read()). Always true for a plain file, whose length is
  // checked at once.
  bool looks_complete() const;

  // Reads the first items into `items`, whose size must be a multiple of item_bytes(). To be called
  // once. When that is all of them, the end of the file is checked too (trailing bytes, the gzip
  // checksum). Returns early, with the content undefined, when `cancel` becomes true.
  void read(std::span<uint8_t> items, const std::atomic<bool>* cancel = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dtrain::data
