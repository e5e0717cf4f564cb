// WebP, BMP, TIFF, PNM, JPEG 2000 and GIF by the module.
#include <algorithm>
#include <mutex>
#include <new>
#include <string_view>

#include "image/bad_picture.h"
#include "image/decoder.h"
#include "image/images_module.h"
#include "image/other_headers.h"
#include "image/tiff_directory.h"
#include "util/log.h"

namespace dtrain::image {
namespace {

void decode_by_module(Bytes bytes, Format format, int64_t width, int64_t height, Image& image) {
  image.resize({height, width, 3});
  DtrainImagesJob job = {};
  job.bytes = bytes.data();
  job.size = bytes.size();
  job.is_gif = format == Format::kGif;
  job.width = static_cast<int32_t>(width);
  job.height = static_cast<int32_t>(height);
  job.pixels = image.pixels.data();
  const int result = images_module()(&job);
  if (result == kDtrainImagesNoMemory) throw std::bad_alloc();
  if (result != kDtrainImagesDone) {
    throw BadPicture(Fault::kDamaged, std::string("its pixels are damaged: ") + job.message);
  }
}

// libtiff would turn the image and multiply its colours by alpha. And it takes memory for the rows
// of a strip, as many as the file claims.
std::vector<uint8_t> plain_tiff(Bytes bytes, const Header& header) {
  using Tag = TiffDirectory::Tag;
  std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  const TiffDirectory directory(bytes);
  const auto height = static_cast<uint32_t>(header.height);
  directory.patch(Tag::kOrientation, 1, copy);
  directory.patch(Tag::kExtraSamples, 1, copy);  // as if they were multiplied already
  if (directory.value(Tag::kRowsPerStrip).value_or(0) > height) {
    directory.patch(Tag::kRowsPerStrip, height, copy);
  }
  return copy;
}

void decode_webp(Bytes bytes, const Header& header, Image& image) {
  const WebpFrame frame = first_frame(bytes);
  if (frame.file.empty()) {
    return decode_by_module(bytes, Format::kWebp, header.width, header.height, image);
  }
  if (frame.left + frame.width > header.width || frame.top + frame.height > header.height) {
    throw BadPicture(Fault::kDamaged, "the first frame of the WebP is larger than the image");
  }
  if (frame.width == header.width && frame.height == header.height) {
    return decode_by_module(frame.file, Format::kWebp, header.width, header.height, image);
  }
  Image part;
  decode_by_module(frame.file, Format::kWebp, frame.width, frame.height, part);
  image.resize({header.height, header.width, 3});
  std::fill(image.pixels.begin(), image.pixels.end(), uint8_t{0});
  for (int64_t y = 0; y < frame.height; ++y) {
    std::memcpy(image.row(frame.top + y) + 3 * frame.left, part.row(y), size_t(3 * frame.width));
  }
}

// OpenCV 4.6 reads JPEG 2000 in the boxes of a JP2 file only.
std::vector<uint8_t> with_boxes(Bytes codestream, const Header& header) {
  std::vector<uint8_t> file;
  const auto put = [&](int64_t value, int bytes) {
    for (int shift = 8 * bytes - 8; shift >= 0; shift -= 8) {
      file.push_back(static_cast<uint8_t>(value >> shift));
    }
  };
  const auto begin = [&](int64_t size, std::string_view type) {
    put(size, 4);
    file.insert(file.end(), type.begin(), type.end());
  };
  begin(12, "jP  ");
  put(0x0D0A870A, 4);
  begin(20, "ftyp");
  for (const std::string_view word :
       {std::string_view("jp2 \0\0\0\0", 8), std::string_view("jp2 ")}) {
    file.insert(file.end(), word.begin(), word.end());
  }
  begin(45, "jp2h");
  begin(22, "ihdr");
  put(header.height, 4);
  put(header.width, 4);
  put(header.channels, 2);
  put(header.bits - 1, 1);
  put(0x070000, 3);  // JPEG 2000, the colours are known, no rights
  begin(15, "colr");
  put(0x010000, 3);
  put(header.channels < 3 ? 17 : 16, 4);  // grey or sRGB
  begin(0, "jp2c");                       // to the end
  file.insert(file.end(), codestream.begin(), codestream.end());
  return file;
}

// OpenCV fills the low bits of 5 or 6 with zeros; white would be 248.
void widen(int64_t green_bits, Image& image) {
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const int64_t bits = i % 3 == 1 ? green_bits : 5;
    const int most = (1 << bits) - 1;
    image.pixels[i] = static_cast<uint8_t>((image.pixels[i] >> (8 - bits)) * 255 / most);
  }
}

// In place, by the weights that Pillow has.
void make_grey(Image& image) {
  const size_t count = image.pixels.size() / 3;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* c = &image.pixels[3 * i];
    image.pixels[i] =
        static_cast<uint8_t>((c[0] * 19595U + c[1] * 38470U + c[2] * 7471U + 0x8000U) >> 16);
  }
  image.resize({image.shape.height, image.shape.width, 1});
}

}  // namespace

void decode_other(Bytes bytes, const Header& header, int64_t channels, Decoded& decoded) {
  static std::once_flag said;
  if (header.pages > 1) {
    std::call_once(said, [&] {
      util::log_warning(
          std::string("Some images have several pages or frames (the first seen is a ") +
          name_of(header.format) + "): the first of each is used");
    });
  }
  decoded.release_if_huge();
  decoded.left = decoded.top = 0;
  decoded.reduction = 1;
  Image& image = decoded.pixels;
  if (header.format == Format::kTiff) {
    decode_by_module(plain_tiff(bytes, header), header.format, header.width, header.height, image);
  } else if (header.format == Format::kWebp) {
    decode_webp(bytes, header, image);
  } else if (header.format == Format::kJpeg2000 && bytes[0] == 0xFF) {
    decode_by_module(with_boxes(bytes, header), header.format, header.width, header.height, image);
  } else {
    decode_by_module(bytes, header.format, header.width, header.height, image);
  }
  if (header.green_bits != 8) widen(header.green_bits, image);
  if (channels == 1) make_grey(image);
}

}  // namespace dtrain::image
