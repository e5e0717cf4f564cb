// make_pictures LAYOUT FOLDER TRAIN EVAL: writes trees of real pictures for tests and benchmarks.
//
//   classes     FOLDER/{train,validation,test}/<class>/<number>.jpg     Fashion-MNIST, 28 x 28
//   food11      FOLDER/{training,validation,test}/<class>_<number>.jpg  as food-11 of 2022
//   food11_2021 FOLDER/training/{labeled,unlabeled}/<class>/...,
//   FOLDER/{validation,testing}/<class>/... photos      like classes, with photo-like pictures of
//   512 x 512 and about 50 kB
//
// TRAIN and EVAL are numbers of pictures; validation and test get EVAL each.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <jpeglib.h>

#include "data/datasets/dataset_registry.h"
#include "util/check.h"

namespace {

using namespace dtrain;
namespace fs = std::filesystem;

void write_jpeg(const fs::path& path, const data::Image& image, int quality) {
  fs::create_directories(path.parent_path());
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);  // ends the process, which suits a tool
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = JDIMENSION(image.shape.width);
  info.image_height = JDIMENSION(image.shape.height);
  info.input_components = int(image.shape.channels);
  info.in_color_space = image.shape.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(image.row(int64_t(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes), std::streamsize(size));
  std::free(bytes);
}

// A number in [-1, 1] of its own for each (x, y, key).
double noise(int64_t x, int64_t y, int64_t key) {
  uint64_t h = uint64_t(x) * 0x9E3779B97F4A7C15 ^ uint64_t(y) * 0xC2B2AE3D27D4EB4F ^
               uint64_t(key) * 0x165667B19E3779F9;
  h = (h ^ h >> 29) * 0xBF58476D1CE4E5B9;
  return double((h ^ h >> 32) & 0xFFFFFF) / 0x7FFFFF - 1.0;
}

// Noise of several scales, as shades and textures of a photograph: each is a smooth interpolation
// of a grid of random numbers.
double texture(double x, double y, int64_t key) {
  double sum = 0;
  const double strength[] = {60, 35, 22, 14, 9, 5, 4};
  double cell = 128;
  for (int octave = 0; octave < 7; ++octave, cell /= 2) {
    const double u = x / cell, v = y / cell;
    const auto i = int64_t(std::floor(u)), j = int64_t(std::floor(v));
    const auto smooth = [](double t) { return t * t * (3 - 2 * t); };
    const double s = smooth(u - double(i)), t = smooth(v - double(j));
    const int64_t k = key * 16 + octave;
    const double top = noise(i, j, k) * (1 - s) + noise(i + 1, j, k) * s;
    const double bottom = noise(i, j + 1, k) * (1 - s) + noise(i + 1, j + 1, k) * s;
    sum += strength[octave] * (top * (1 - t) + bottom * t);
  }
  return sum;
}

data::Image photo(int64_t number, int64_t target) {
  constexpr int64_t kSide = 512;
  data::Image image;
  image.resize({kSide, kSide, 3});
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t x = 0; x < kSide; ++x) {
      const double light = 120 + texture(double(x), double(y), number);
      // Stripes whose direction tells the class, so that something can be learnt.
      const double angle = double(target) * 0.314;
      const double stripe =
          25 * std::sin((double(x) * std::cos(angle) + double(y) * std::sin(angle)) / 9.0);
      for (int64_t c = 0; c < 3; ++c) {
        const double tint = 12 * texture(double(x) / 4, double(y) / 4, number * 3 + c + 7) / 60;
        image.row(y)[x * 3 + c] =
            uint8_t(std::min(255.0, std::max(0.0, light + stripe + tint * double(c))));
      }
    }
  }
  return image;
}

fs::path place(const std::string& layout, int split, int64_t target, int64_t number) {
  const std::string label = std::to_string(target), file = std::to_string(number) + ".jpg";
  const std::string two_digits = (target < 10 ? "0" : "") + label;
  if (layout == "food11") {
    const char* folders[] = {"training", "validation", "test"};
    return fs::path(folders[split]) / (label + "_" + file);
  }
  if (layout == "food11_2021") {
    if (split == 0) {
      return fs::path("training") / (number % 4 == 3 ? "unlabeled/00" : "labeled/" + two_digits) /
             file;
    }
    return split == 1 ? fs::path("validation") / two_digits / file : fs::path("testing/00") / file;
  }
  const char* folders[] = {"train", "validation", "test"};
  return fs::path(folders[split]) / ("class_" + label) / file;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr,
                 "usage: make_pictures classes|food11|food11_2021|photos FOLDER TRAIN EVAL\n");
    return 64;
  }
  const std::string layout = argv[1];
  const fs::path root = argv[2];
  const int64_t counts[] = {std::atoll(argv[3]), std::atoll(argv[4]), std::atoll(argv[4])};
  try {
    data::DatasetConfig config;
    config.dataset = "fashion_mnist";
    config.eval_split = "test";
    if (const char* folder = std::getenv("DTRAIN_DATA_DIR")) config.data_dir = folder;
    const auto train = data::open_dataset(config, data::Split::kTrain);
    const auto eval = data::open_dataset(config, data::Split::kEval);
    int64_t number = 0;
    for (int split = 0; split < 3; ++split) {
      for (int64_t i = 0; i < counts[split]; ++i, ++number) {
        data::Sample sample;
        (split == 0 ? train : eval)->read(split == 2 ? i + counts[1] : i, sample);
        const bool is_photo = layout == "photos";
        if (is_photo) sample.image = photo(number, sample.target);
        write_jpeg(
            root / place(layout, split, sample.target, number), sample.image, is_photo ? 92 : 95);
      }
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "make_pictures: %s\n", error.what());
    return int(error.code());
  }
  return 0;
}
