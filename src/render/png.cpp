#include "render/png.h"

#include <png.h>

#include <string>

#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::render {

std::string png_bytes(const Image& image) {
  check(int64_t(image.pixels.size()) == image.width * image.height * image.channels,
        "an image has a value for every pixel and channel");
  png_image header = {};
  header.version = PNG_IMAGE_VERSION;
  header.width = png_uint_32(image.width);
  header.height = png_uint_32(image.height);
  header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&header,
                                bytes.data(),
                                &size,
                                /*convert_to_8bit=*/0,
                                image.pixels.data(),
                                /*row_stride=*/0,
                                /*colormap=*/nullptr) == 0) {
    throw io_error("PNG image", header.message, "please report this");
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  util::write_file_atomic(path, png_bytes(image));
}

}  // namespace dtrain::render
