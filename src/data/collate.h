// Puts samples side by side: images -> one slot (B, H, W, C) u8.
#pragma once

#include <cstdint>

#include "data/sample.h"

namespace dtrain::data {

// Writes `sample` as item `position` of `batch`, whose slot, shape and vectors are ready. Different
// positions may be written by different threads at once. Throws Error(kData) when the shape differs
// from the batch's.
void collate(const Sample& sample, int64_t position, HostBatch& batch);

}  // namespace dtrain::data
