// Puts the splits of a data set into one HDF5 file, which is a data set again (pack_dataset.h).
//
//   PackReport report = pack({{"train", train.get()}, {"test", test.get()}}, options);
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/fields.h"
#include "data/dataset.h"
#include "data/framing.h"

namespace dtrain::data {

// The settings that only packing has.
struct PackConfig {
  int64_t size = 0;
  bool skip_bad = false;
};

template <class V>
void fields(V& v, PackConfig& c) {
  using namespace config;
  v("size",
    c.size,
    between(0, 8192),
    "Store pixels: the shorter side resized to so many, and the middle cut out; 0: the bytes of "
    "the files as they are, or pixels as they are where the data set has no files.");
  v("skip_bad",
    c.skip_bad,
    "Leave pictures out that cannot be read, and list them at the end; otherwise the first one "
    "ends the packing.");
}

struct PackSource {
  std::string split;  // train, validation or test
  const Dataset* dataset = nullptr;
};

struct PackOptions {
  std::filesystem::path output = {};  // must not exist
  int64_t size = 0;                   // as in PackConfig
  bool exact = false;                 // FramingParameters::exact
  bool skip_bad = false;
  PixelStatistics statistics = {};  // kept in the pack, which is normalised with them
  int64_t threads = 1;
  // Called on the calling thread after each sample.
  std::function<void(int64_t done, int64_t total, int64_t bytes)> on_progress = nullptr;
};

struct PackReport {
  struct Split {
    std::string name;
    int64_t samples = 0;
  };
  std::vector<Split> splits;
  int64_t bytes = 0;             // of all samples
  int64_t reused = 0;            // samples taken from an interrupted packing
  std::vector<std::string> bad;  // left out: which and why
};

// Threads read and decode, the calling thread writes, so the result does not depend on their
// number. Pictures that are stored as they are get decoded all the same, to find bad ones. Memory
// is bounded: 256 MiB of waiting samples, a chunk, and about a hundred bytes a sample.
//
// The output appears when it is complete. Until then, and after an error or a kill, what has been
// done is in `<output>.partial`, which the same call continues (pack_partial.h); the finished file
// is then the same to the byte.
//
// Throws Error(kData) that names a bad picture, for splits whose classes differ, and for an
// unfinished pack of other data; Error(kIo) when something cannot be read or written.
PackReport pack(const std::vector<PackSource>& sources, const PackOptions& options);

}  // namespace dtrain::data
