// Kinds of files that people put among their images and that are not decoded, by their content.
#pragma once

#include <string>

#include "image/header_bytes.h"

namespace dtrain::image {

// "an AVIF image", "a BigTIFF file"; empty where the bytes begin like none of those that are known.
std::string foreign_format(Bytes bytes);

}  // namespace dtrain::image
