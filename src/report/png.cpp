#include "report/png.h"

#include <png.h>

#include <string_view>

#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::report {

void write_png(const std::filesystem::path& path, const Image& image) {
  check(int64_t(image.pixels.size()) == image.width * image.height * image.channels,
        "an image has a value for every pixel and channel");
  png_image header = {};
  header.version = PNG_IMAGE_VERSION;
  header.width = png_uint_32(image.width);
  header.height = png_uint_32(image.height);
  header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  std::vector<char> bytes;
  // The first call asks for the size.
  for (void* memory : {static_cast<void*>(nullptr), static_cast<void*>(&bytes)}) {
    if (memory != nullptr) bytes.resize(size);
    if (png_image_write_to_memory(&header,
                                  memory != nullptr ? bytes.data() : nullptr,
                                  &size,
                                  /*convert_to_8bit=*/0,
                                  image.pixels.data(),
                                  /*row_stride=*/0,
                                  /*colormap=*/nullptr) == 0) {
      throw io_error("cannot write " + path.string(), header.message, "please report this");
    }
  }
  util::write_file_atomic(path, std::string_view(bytes.data(), size));
}

}  // namespace dtrain::report
