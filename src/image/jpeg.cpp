// JPEG by libjpeg-turbo, whose own C interface can decode a region.
#include <algorithm>
#include <csetjmp>
#include <cstdio>  // before jpeglib.h, which uses FILE and size_t
#include <cstring>
#include <string>

#include <jpeglib.h>

#include <jerror.h>

#include "image/bad_picture.h"
#include "image/decoder.h"
#include "image/header.h"

namespace dtrain::image {
namespace {

// Smoothing of the colour channels looks at neighbours, which a region has only inside: pixels that
// are decoded around it and not used.
constexpr int64_t kMargin = 4;

// A progressive JPEG refines all its pixels in each of its scans: 10 as programs write them, but a
// few bytes suffice for one. Scans times pixels: about a second of work.
constexpr int kMaxScans = 200;
constexpr int64_t kMaxScannedPixels = 2'000'000'000;

struct ErrorManager {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer is one to this
  std::jmp_buf on_error;
  Fault fault;
  char message[JMSG_LENGTH_MAX];
};

Fault fault_of(int code) {
  switch (code) {
    case JWRN_JPEG_EOF:
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
      return Fault::kCutShort;
    case JERR_NO_BACKING_STORE:
    case JERR_OUT_OF_MEMORY:
      return Fault::kTooLarge;
    default:
      return Fault::kDamaged;
  }
}

[[noreturn]] void leave(j_common_ptr info) {
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  errors->fault = fault_of(info->err->msg_code);
  if (errors->fault == Fault::kTooLarge) {
    std::strcpy(errors->message, "decoding it takes more memory than is spent on a picture");
  } else {
    (*info->err->format_message)(info, errors->message);
  }
  std::longjmp(errors->on_error, 1);
}

// Warnings (level -1) are of two kinds. Where the data end or make no sense, libjpeg would go on
// with grey: that is an error here. Others, such as rubbish between segments, are common in files
// that every program shows.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:  // a scan is missing
      leave(info);
    default:
      return;
  }
}

// Called before each row of blocks of each scan.
void limit_scans(j_common_ptr common) {
  const auto& info = *reinterpret_cast<j_decompress_ptr>(common);
  const int64_t pixels = int64_t{info.image_width} * info.image_height;
  const int scans = info.input_scan_number;
  if (scans <= kMaxScans && scans * pixels <= kMaxScannedPixels) return;
  auto* errors = reinterpret_cast<ErrorManager*>(common->err);
  errors->fault = Fault::kTooLarge;
  std::snprintf(errors->message, sizeof errors->message, "more than %d scans", scans - 1);
  std::longjmp(errors->on_error, 1);
}

uint8_t scaled(int value, int by) {
  const int product = value * by + 128;
  return static_cast<uint8_t>((product + (product >> 8)) >> 8);
}

// One row of CMYK, which Adobe's files store inverted, to RGB or grey; `to` may be `from`.
void convert_cmyk(
    const uint8_t* from, uint8_t* to, int64_t width, int64_t channels, bool inverted) {
  for (int64_t x = 0; x < width; ++x, from += 4, to += channels) {
    uint8_t rgb[3];
    const int white = inverted ? from[3] : 255 - from[3];
    for (int c = 0; c < 3; ++c) rgb[c] = scaled(inverted ? from[c] : 255 - from[c], white);
    if (channels == 3) {
      std::memcpy(to, rgb, 3);
    } else {
      to[0] = static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 32768) >> 16);
    }
  }
}

// What lives across longjmp: nothing with a destructor is made between setjmp and the calls.
struct JpegJob {
  jpeg_decompress_struct info;
  ErrorManager errors;
  jpeg_progress_mgr progress;
  std::span<const uint8_t> bytes;
  Rectangle wanted;
  int64_t reduction = 1, channels = 3;
  Decoded* decoded = nullptr;
  std::vector<uint8_t>* row = nullptr;  // of CMYK
};

void run(JpegJob& job) {
  jpeg_decompress_struct& info = job.info;
  jpeg_mem_src(&info, job.bytes.data(), static_cast<unsigned long>(job.bytes.size()));
  jpeg_read_header(&info, TRUE);
  const bool cmyk = info.num_components == 4;
  info.out_color_space = cmyk ? JCS_CMYK : job.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(job.reduction);
  jpeg_start_decompress(&info);

  const int64_t r = job.reduction;
  const auto clamp = [](int64_t v, int64_t high) {
    return std::min(std::max<int64_t>(v, 0), high);
  };
  const int64_t whole_width = info.output_width, whole_height = info.output_height;
  const int64_t left = clamp(job.wanted.left / r - kMargin, whole_width - 1);
  const int64_t right =
      clamp((job.wanted.left + job.wanted.width + r - 1) / r + kMargin, whole_width);
  const int64_t top = clamp(job.wanted.top / r - kMargin, whole_height - 1);
  const int64_t bottom =
      clamp((job.wanted.top + job.wanted.height + r - 1) / r + kMargin, whole_height);
  auto offset = static_cast<JDIMENSION>(left), width = static_cast<JDIMENSION>(right - left);
  if (right - left < whole_width) jpeg_crop_scanline(&info, &offset, &width);
  Decoded& out = *job.decoded;
  out.reduction = r;
  out.left = offset;
  out.top = top;
  out.pixels.resize({bottom - top, static_cast<int64_t>(width), job.channels});
  if (cmyk) job.row->resize(size_t{width} * 4);
  if (top > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(top));
  for (int64_t y = 0; y < bottom - top;) {
    JSAMPROW row = cmyk ? job.row->data() : out.pixels.row(y);
    const int64_t rows = jpeg_read_scanlines(&info, &row, 1);
    if (cmyk && rows == 1) {
      convert_cmyk(row, out.pixels.row(y), width, job.channels, info.saw_Adobe_marker != 0);
    }
    y += rows;
  }
  if (bottom == whole_height) {
    jpeg_finish_decompress(&info);
  } else {
    jpeg_abort_decompress(&info);
  }
}

}  // namespace

void decode_jpeg(std::span<const uint8_t> bytes,
                 const Rectangle& wanted,
                 int64_t reduction,
                 int64_t channels,
                 Decoded& decoded) {
  decoded.release_if_huge();
  std::vector<uint8_t> row;
  JpegJob job{};
  job.bytes = bytes;
  job.wanted = wanted;
  job.reduction = reduction;
  job.channels = channels;
  job.decoded = &decoded;
  job.row = &row;
  job.info.err = jpeg_std_error(&job.errors.base);
  job.errors.base.error_exit = leave;
  job.errors.base.emit_message = on_message;
  if (setjmp(job.errors.on_error) != 0) {
    jpeg_destroy_decompress(&job.info);
    const bool too_large = job.errors.fault == Fault::kTooLarge;
    throw BadPicture(job.errors.fault,
                     std::string(too_large ? "" : "its pixels are damaged: ") + job.errors.message);
  }
  jpeg_create_decompress(&job.info);
  job.progress.progress_monitor = limit_scans;
  job.info.progress = &job.progress;
  job.info.mem->max_memory_to_use = Limits{}.max_memory;
  try {
    run(job);
  } catch (...) {  // no memory
    jpeg_destroy_decompress(&job.info);
    throw;
  }
  jpeg_destroy_decompress(&job.info);
}

}  // namespace dtrain::image
