// A pack that is being made, as a folder beside its place, and what can be used of one that was
// interrupted.
//
//   <output>.partial/pack.h5   the pack so far; of use to nobody before it is finished
//   <output>.partial/journal   text: which samples are in it, and where
//
// Note [Going on after a kill]
// The library keeps part of a file's structure in memory, so what a kill leaves is no HDF5 file.
// But the samples are in it, and the journal says where. A packing that goes on makes a new file
// and takes from the old one every sample whose checksum is right, instead of reading and decoding
// the picture again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hdf5/raw_file.h"
#include "util/atomic_file.h"
#include "util/folder_lock.h"

namespace dtrain::data {

// What the journal says of a sample.
struct JournalEntry {
  int64_t index = 0;  // in the data set that is packed
  int64_t bytes = 0;
  int64_t target = 0;
  uint32_t crc = 0;
};

// Written next to the pack, so that it never names a sample that is not in the file yet.
class PackJournal {
 public:
  // `key` tells packings apart: what is packed, and how.
  PackJournal(const std::filesystem::path& path, const std::string& key);
  void begin_split(const std::string& split);
  void add(const JournalEntry& entry);               // kept until its bytes are in the file
  void piece_written(int64_t place, int64_t bytes);  // see PackWriter::OnPiece

 private:
  util::OutputFile file_;
  std::string lines_;
};

// The samples of an interrupted packing.
class PackSalvage {
 public:
  // Reads the journal as far as it goes. Throws Error(kData) when it is that of another packing.
  PackSalvage(const std::filesystem::path& folder, const std::string& key);

  int64_t size() const { return size_; }

  // Fills in the bytes of sample `index` and returns its entry; nothing when it is not there or its
  // checksum is wrong. Safe to call from several threads.
  std::optional<JournalEntry> read(const std::string& split,
                                   int64_t index,
                                   std::vector<uint8_t>& bytes) const;

 private:
  struct Piece {
    int64_t begin = 0;  // in the samples of the split, one behind the other
    int64_t bytes = 0;
    int64_t place = 0;  // in the file
  };
  struct Split {
    std::vector<Piece> pieces;
    std::vector<JournalEntry> entries;
    std::vector<int64_t> begins;  // of the entries, like Piece::begin
    int64_t written = 0;          // bytes of all pieces
  };
  void read_journal(const std::filesystem::path& path, const std::string& key);

  hdf5::RawFile file_;
  std::map<std::string, Split> splits_;
  int64_t size_ = 0;
};

// The folder of a packing, made anew; holds it against other processes. What an interrupted one
// left is put aside first.
class PartialFolder {
 public:
  // Throws Error(kIo) when another process is at work on the same pack.
  PartialFolder(const std::filesystem::path& output, const std::string& key);
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;

  std::filesystem::path pack() const { return folder_ / "pack.h5"; }
  std::filesystem::path journal() const { return folder_ / "journal"; }
  const PackSalvage* salvage() const { return salvage_ ? &*salvage_ : nullptr; }

  void finish();  // moves the pack to its place and removes what was left

 private:
  void put_aside(const std::string& key);

  std::filesystem::path output_, folder_, old_;
  std::optional<util::FolderLock> lock_;
  std::optional<PackSalvage> salvage_;
};

}  // namespace dtrain::data
