// The eight orientations of EXIF: how the stored picture is turned and mirrored to be looked at.
#pragma once

#include <cstdint>

#include "image/image.h"

namespace dtrain::image {

// Where a part of the picture as it is shown lies in the picture as it is stored, of `stored_width`
// x `stored_height` pixels.
Box to_stored(const Box& shown, int64_t orientation, int64_t stored_width, int64_t stored_height);

// Turns and mirrors a stored image into the shown one; `scratch` is memory to use.
void apply_orientation(Image& image, int64_t orientation, Image& scratch);

}  // namespace dtrain::image
