// PNG by libpng, row by row into the image.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <string>

#include "image/bad_picture.h"
#include "image/decoder.h"

namespace dtrain::image {
namespace {

struct PngJob {
  std::span<const uint8_t> bytes;
  size_t at = 0;
  int64_t channels = 3;
  Image* image = nullptr;
  std::vector<png_bytep>* rows = nullptr;
  bool cut_short = false;
  char message[128] = "";
};

void on_error(png_structp png, png_const_charp message) {
  auto* job = static_cast<PngJob*>(png_get_error_ptr(png));
  std::snprintf(job->message, sizeof job->message, "%s", message);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep to, size_t size) {
  auto* job = static_cast<PngJob*>(png_get_io_ptr(png));
  if (job->bytes.size() - job->at < size) {
    job->cut_short = true;
    png_error(png, "the file is cut short");
  }
  std::memcpy(to, job->bytes.data() + job->at, size);
  job->at += size;
}

void run(png_structp png, png_infop info, PngJob& job) {
  png_set_read_fn(png, &job, read_bytes);
  // Texts and profiles are compressed: a few MB of them can inflate to gigabytes. And without gAMA
  // grey is the same weighted sum as everywhere.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(png, info);
  const int color = png_get_color_type(png, info);
  png_set_expand(png);  // palettes and fewer than 8 bits
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  const bool is_grey = (color & PNG_COLOR_MASK_COLOR) == 0;
  if (is_grey && job.channels == 3) png_set_gray_to_rgb(png);
  if (!is_grey && job.channels == 1) png_set_rgb_to_gray(png, 1, 0.299, 0.587);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const int64_t height = png_get_image_height(png, info), width = png_get_image_width(png, info);
  job.image->resize({height, width, job.channels});
  if (png_get_rowbytes(png, info) != static_cast<size_t>(width * job.channels)) {
    png_error(png, "rows of an unexpected length");
  }
  job.rows->resize(static_cast<size_t>(height));
  for (int64_t y = 0; y < height; ++y) (*job.rows)[static_cast<size_t>(y)] = job.image->row(y);
  png_read_image(png, job.rows->data());
  png_read_end(png, nullptr);
}

}  // namespace

void decode_png(std::span<const uint8_t> bytes, int64_t channels, Decoded& decoded) {
  decoded.release_if_huge();
  std::vector<png_bytep> rows;
  PngJob job{.bytes = bytes, .channels = channels, .image = &decoded.pixels, .rows = &rows};
  decoded.left = decoded.top = 0;
  decoded.reduction = 1;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, ignore_warning);
  png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    throw std::bad_alloc();
  }
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    throw BadPicture(job.cut_short ? Fault::kCutShort : Fault::kDamaged,
                     std::string("its pixels are damaged: ") + job.message);
  }
  try {
    run(png, info, job);
  } catch (...) {  // no memory
    png_destroy_read_struct(&png, &info, nullptr);
    throw;
  }
  png_destroy_read_struct(&png, &info, nullptr);
}

}  // namespace dtrain::image
