// Picture files of tests: those that Pillow made (tests/golden/make_images.py), and comparisons.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "image/image.h"

namespace dtrain::testing {

inline const std::filesystem::path kPictures =
    std::filesystem::path(DTRAIN_SOURCE_DIR) / "tests/golden/images";

inline std::vector<uint8_t> bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Binary PPM, RGB.
inline image::Image read_ppm(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string magic;
  int64_t width = 0, height = 0, most = 0;
  in >> magic >> width >> height >> most;
  in.get();
  EXPECT_TRUE(in && magic == "P6" && most == 255) << path;
  image::Image image;
  image.resize({height, width, 3});
  in.read(reinterpret_cast<char*>(image.pixels.data()), std::streamsize(image.pixels.size()));
  EXPECT_TRUE(in) << path;
  return image;
}

// In grey levels, over all pixels and channels.
struct Difference {
  double mean = 0;
  int largest = 0;
};

inline Difference difference(const image::Image& a, const image::Image& b) {
  EXPECT_EQ(to_string(a.shape), to_string(b.shape));
  if (a.shape != b.shape) return {1e9, 255};
  Difference found;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const int by = std::abs(int{a.pixels[i]} - int{b.pixels[i]});
    found.mean += by;
    found.largest = std::max(found.largest, by);
  }
  found.mean /= double(a.pixels.size());
  return found;
}

}  // namespace dtrain::testing
