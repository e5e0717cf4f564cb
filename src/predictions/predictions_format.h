// What a file of predictions is called and how its chunks are cut; docs/predictions_format.md
// describes the rest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace dtrain::predictions {

inline constexpr const char* kPredictionsFormat = "dtrain-predictions";
inline constexpr int64_t kPredictionsVersion = 1;

// Samples in a chunk of logits, rows of shape `row`: about a thousand chunks in a file, for finding
// them takes a time that grows with the square of their number, and between 256 kB and 16 MB each.
// The same for all files of the same samples and classes, so that votes read them in step.
inline int64_t chunk_rows(const std::vector<int64_t>& row, int64_t samples) {
  constexpr int64_t kChunks = 1024, kMinBytes = 256 << 10, kMaxBytes = 16 << 20;
  int64_t bytes = sizeof(float);
  for (const int64_t length : row) bytes *= length;
  const int64_t wanted = std::clamp(bytes * samples / kChunks, kMinBytes, kMaxBytes);
  return std::clamp<int64_t>(wanted / bytes, 1, samples);
}

}  // namespace dtrain::predictions
