// Images into a batch.
#include "data/loader/collate.h"

#include <cstring>

#include "util/check.h"

namespace dtrain::data {

void collate(const Image& image, int64_t view, int64_t position, HostBatch& batch) {
  check(view >= 0 && view < batch.views, "an image's view is one of its batch");
  check(position >= 0 && position < batch.size, "a sample's place is inside its batch");
  if (image.shape != batch.shape) {
    throw data_error(
        "image",
        "expected the shape " + to_string(batch.shape) + ", found " + to_string(image.shape),
        "use a transform that gives all images the same size");
  }
  const int64_t bytes = batch.shape.bytes();
  std::memcpy(batch.images + (view * batch.size + position) * bytes,
              image.pixels.data(),
              static_cast<size_t>(bytes));
}

}  // namespace dtrain::data
