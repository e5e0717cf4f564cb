// Samples into a batch.
#include "data/collate.h"

#include <cstring>

#include "util/check.h"

namespace dtrain::data {

void collate(const Sample& sample, int64_t position, HostBatch& batch) {
  check(position >= 0 && position < batch.size, "a sample's place is inside its batch");
  if (sample.image.shape != batch.shape) {
    throw data_error(
        "image",
        "expected the shape " + to_string(batch.shape) + ", found " + to_string(sample.image.shape),
        "use a transform that gives all images the same size");
  }
  const int64_t bytes = batch.shape.bytes();
  std::memcpy(
      batch.images + position * bytes, sample.image.pixels.data(), static_cast<size_t>(bytes));
  batch.targets[static_cast<size_t>(position)] = sample.target;
  batch.ids[static_cast<size_t>(position)] = sample.id;
}

}  // namespace dtrain::data
