// The headers of the formats that the module decodes.
#pragma once

#include <optional>

#include "image/header.h"
#include "image/header_bytes.h"

namespace dtrain::image {

// Nothing where the first bytes are of none of them. Throws BadPicture as read_header does, whose
// limits are still to be applied.
std::optional<Header> read_other_header(Bytes bytes);

// The file of a WebP's first frame alone, and where on the whole it lies. Of one that is not
// animated, the file itself.
struct WebpFrame {
  std::vector<uint8_t> file;  // empty: the file itself
  int64_t left = 0, top = 0, width = 0, height = 0;
};
WebpFrame first_frame(Bytes webp);

}  // namespace dtrain::image
