// Writes a pack: docs/pack_format.md.
//
//   PackWriter writer("a.h5", header, nullptr);
//   writer.begin_split("train", 1000, fingerprint);
//   for (...) writer.add({bytes, target, crc, "train/cat/1.jpg"});
//   writer.end_split();
//   writer.finish();
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/pack/pack_format.h"
#include "hdf5/hdf5_chunks.h"
#include "hdf5/hdf5_file.h"

namespace dtrain::data {

// Keeps targets, checksums and paths of a split in memory, and of its samples as much as a chunk,
// 16 MiB at most but for a longer sample. Equal samples give equal files. Throws Error(kIo) that
// names the file.
class PackWriter {
 public:
  // Told of each piece of samples that is in the file: where it begins and its length.
  using OnPiece = std::function<void(int64_t place, int64_t bytes)>;

  PackWriter(const std::filesystem::path& path, PackHeader header, OnPiece on_piece);

  // `expected` samples, about: chunks are made as long as suits so many.
  void begin_split(const std::string& split, int64_t expected, const std::string& fingerprint);

  struct Item {
    std::span<const uint8_t> bytes;  // of a picture file, or pixels
    int64_t target = 0;
    uint32_t crc = 0;
    std::string path;
  };
  void add(const Item& item);
  void end_split();
  void finish();  // the file is complete and on the disk

 private:
  // Chunks of samples as they become full; all that is left when `all`.
  void flush(bool all);
  void choose_chunk(bool all);

  PackHeader header_;
  OnPiece on_piece_;
  hdf5::Hdf5File file_;

  // Of the split being written.
  std::string group_;  // "/train"; empty: none
  int64_t expected_ = 0;
  std::vector<int64_t> targets_, offsets_;
  std::vector<uint32_t> crcs_;
  std::vector<std::string> paths_;
  std::vector<uint8_t> buffer_;  // bytes that are not written yet
  int64_t rows_per_chunk_ = 0;   // 0: not chosen yet
  std::unique_ptr<hdf5::Hdf5Appender> samples_;
};

}  // namespace dtrain::data
