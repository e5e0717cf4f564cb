// One split of a pack: samples from an HDF5 file that `dtrain pack` made (docs/pack_format.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/pack/pack_format.h"
#include "hdf5/raw_file.h"
#include "util/check.h"

namespace dtrain::hdf5 {
class Hdf5File;
}

namespace dtrain::data {

struct PackDatasetOptions {
  std::string name;  // for messages: "pack/train"
  std::filesystem::path file;
  std::string split = "train";
  int64_t limit = 0;  // so many samples, evenly spread; 0: all
  std::string advice;
};

// The constructor reads everything but the samples: about a hundred bytes for each. Samples are
// read when they are asked for, by any number of threads, and checked by their CRC-32.
//
// Throws Error(kData) that names the file and the object in it for damage, a wrong schema and a
// newer version; Error(kUnsafe) for a file that leads to others (hdf5_file.h).
class PackDataset : public Dataset {
 public:
  explicit PackDataset(PackDatasetOptions options);

  // The splits that a file has.
  static std::vector<std::string> splits(const std::filesystem::path& file);

  const std::string& name() const override { return options_.name; }
  int64_t size() const override { return static_cast<int64_t>(stored_.size()); }
  // Fills `sample.image`, or `sample.encoded` in a pack of picture files.
  void read(int64_t index, Sample& sample) const override;
  int64_t target(int64_t index) const override { return targets_[size_t(stored(index))]; }
  ImageShape shape() const override { return header_.shape; }
  // Those of the data set that was packed; packs of older versions have none.
  PixelStatistics statistics() const override { return header_.statistics; }
  const std::vector<std::string>& class_names() const override { return header_.class_names; }
  // Of the checksums and targets, so it costs nothing and follows the content.
  std::string fingerprint() const override;

  std::string describe(int64_t index) const override;  // with the path it was packed from
  std::string origin(int64_t index) const override;

 private:
  void read_header(const hdf5::Hdf5File& file);
  void read_statistics(const hdf5::Hdf5File& file);
  void read_samples(const hdf5::Hdf5File& file);
  void check_offsets(const hdf5::Hdf5File& file, const std::string& object, int64_t bytes) const;
  void read_bytes(int64_t index, int64_t begin, std::vector<uint8_t>& bytes) const;
  Error damaged(int64_t index, const std::string& cause) const;
  int64_t stored(int64_t index) const { return stored_[static_cast<size_t>(index)]; }

  PackDatasetOptions options_;
  PackHeader header_;
  hdf5::RawFile file_;
  std::vector<int64_t> stored_;  // this data set's samples, as numbers of the file's
  std::vector<int64_t> targets_;
  std::vector<uint32_t> crcs_;
  std::vector<int64_t> offsets_;  // of samples in all their bytes, and the end; empty with pixels
  std::vector<std::string> paths_;
  std::vector<int64_t> places_;  // of chunks in the file
  int64_t chunk_bytes_ = 0;
};

}  // namespace dtrain::data
