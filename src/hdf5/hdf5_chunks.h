// Large arrays of bytes that are written piece by piece, and read without the library.
//
// Note [Reading past the library]
// The library reads with one thread at a time. So its index of an array's pieces (chunks) is read
// once; after that any thread reads the bytes with pread, and checks them by a checksum of its own
// (pack_dataset.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hdf5/hdf5_file.h"

namespace dtrain::hdf5 {

// An array that grows along its first dimension, in chunks of whole rows with Fletcher32.
class Hdf5Appender {
 public:
  // `type` as hdf5_type() has it; `row` is the shape of one row, {} for single values. Borrows the
  // file.
  Hdf5Appender(Hdf5File& file,
               const std::string& object,
               hid_t type,
               std::vector<int64_t> row,
               int64_t rows_per_chunk);

  // Writes a chunk: rows_per_chunk rows, fewer only in the last one. Returns where in the file
  // they begin. Error(kIo) names the file.
  int64_t append(const void* values, int64_t rows);

 private:
  Hdf5File& file_;
  std::string object_;
  hid_t type_;
  std::vector<hsize_t> dims_;
  int64_t rows_per_chunk_;
  Hdf5Id array_;
};

// Where the chunks of an array lie in the file, in the order of their rows. Throws Error(kData) for
// an array that is not in chunks of whole rows, that lacks a chunk, or with chunks that have
// another size or lie outside of the file.
std::vector<int64_t> chunk_places(const Hdf5File& file, const Hdf5Array& array);

}  // namespace dtrain::hdf5
