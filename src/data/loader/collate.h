// Puts images side by side: into one slot (V, B, H, W, C) u8.
#pragma once

#include <cstdint>

#include "data/sample.h"

namespace dtrain::data {

// Writes `image` as view `view` of item `position` of `batch`, whose slot and shape are ready.
// Different places may be written by different threads at once. Throws Error(kData) when the shape
// differs from the batch's.
void collate(const Image& image, int64_t view, int64_t position, HostBatch& batch);

}  // namespace dtrain::data
