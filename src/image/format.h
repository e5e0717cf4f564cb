// The kinds of image files.
#pragma once

#include <filesystem>

namespace dtrain::image {

// The first two are decoded by the program itself, the others by the module (module.h).
enum class Format { kJpeg, kPng, kWebp, kBmp, kTiff, kPnm, kJpeg2000, kGif };

const char* name_of(Format format);  // "JPEG 2000"

// Whether a file is an image by the end of its name, in upper or lower case.
bool has_image_ending(const std::filesystem::path& path);
bool has_ending_of(const std::filesystem::path& path, Format format);

}  // namespace dtrain::image
