// Reads and decodes every sample of one split.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <vector>

#include "data/dataset.h"
#include "data/verify/finding.h"

namespace dtrain::data {

// XXH3-128 of a picture's file, or of its shape and pixels where it has no file.
struct ContentHash {
  uint64_t high = 0, low = 0;
  auto operator<=>(const ContentHash&) const = default;
};

// What reading a sample showed.
struct SampleCheck {
  bool good = false;
  int64_t target = -1;
  int64_t bytes = 0;  // of its file or its pixels
  ContentHash hash;   // of good ones
};

struct SplitCheck {
  std::vector<SampleCheck> samples;  // by index
  std::vector<Finding> findings;     // in the order of the samples
};

// Called from the calling thread a few times a second, and once at the end.
using Progress = std::function<void(int64_t done, int64_t total)>;

// Reads, decodes and hashes all samples on `workers` >= 1 threads. What is wrong with a sample is a
// finding, never an exception. `split` is what findings name it.
SplitCheck verify_split(const Dataset& dataset,
                        const std::string& split,
                        int64_t workers,
                        const Progress& progress);

}  // namespace dtrain::data
