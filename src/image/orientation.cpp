#include "image/orientation.h"

#include <cstring>
#include <utility>

#include "util/check.h"

namespace dtrain::image {
namespace {

// Orientation as three switches (CIPA DC-008, tag 0x0112): rows and columns exchanged, then stored
// columns and rows counted from the other end.
struct Turn {
  bool transposed, columns_reversed, rows_reversed;
};

Turn turn_of(int64_t orientation) {
  constexpr Turn kTurns[8] = {{false, false, false},
                              {false, true, false},
                              {false, true, true},
                              {false, false, true},
                              {true, false, false},
                              {true, false, true},
                              {true, true, true},
                              {true, true, false}};
  check(orientation >= 1 && orientation <= 8, "an orientation is in 1 .. 8");
  return kTurns[orientation - 1];
}

}  // namespace

Box to_stored(const Box& shown, int64_t orientation, int64_t stored_width, int64_t stored_height) {
  const Turn turn = turn_of(orientation);
  Box stored = shown;
  if (turn.transposed) stored = {shown.top, shown.left, shown.height, shown.width};
  if (turn.columns_reversed) stored.left = double(stored_width) - stored.left - stored.width;
  if (turn.rows_reversed) stored.top = double(stored_height) - stored.top - stored.height;
  return stored;
}

void apply_orientation(Image& image, int64_t orientation, Image& scratch) {
  if (orientation == 1) return;
  const auto [height, width, channels] = image.shape;
  const bool turned = turn_of(orientation).transposed;
  scratch.resize({turned ? width : height, turned ? height : width, channels});
  for (int64_t y = 0; y < scratch.shape.height; ++y) {
    uint8_t* to = scratch.row(y);
    for (int64_t x = 0; x < scratch.shape.width; ++x, to += channels) {
      const Box from = to_stored({double(x), double(y), 1, 1}, orientation, width, height);
      const uint8_t* pixel = image.row(int64_t(from.top)) + int64_t(from.left) * channels;
      std::memcpy(to, pixel, static_cast<size_t>(channels));
    }
  }
  std::swap(image, scratch);
}

}  // namespace dtrain::image
