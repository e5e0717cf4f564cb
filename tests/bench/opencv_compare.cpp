// OpenCV beside dtrain's own image operations: by how many levels they differ, whether OpenCV gives
// the same bits with fewer instruction sets, and how long both take.
//
//   opencv_compare                                   a row for each operation and size
//   OPENCV_CPU_DISABLE=... opencv_compare            the same with fewer instruction sets
//
// dtrain's results are torchvision's by tests, so the difference is that to torchvision. Both sides
// run in turn on one thread; times are medians.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "data/transforms/affine.h"
#include "data/transforms/filters.h"
#include "data/transforms/photometric.h"
#include "image/resample.h"
#include "render/png.h"
#include "util/hash.h"

namespace {

using dtrain::image::Image;

constexpr int kRounds = 15;

// A smooth picture under noise, as photographs are.
Image picture(int64_t side) {
  Image image;
  image.resize({side, side, 3});
  uint32_t state = 1;
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        state = state * 1664525U + 1013904223U;
        const double wave = std::sin(double(x + 7 * c) / 9) * std::cos(double(y) / (5 + double(c)));
        const double level = 128 + 90 * wave + double(state >> 28U);
        image.pixels[size_t((y * side + x) * 3 + c)] = uint8_t(std::clamp(level, 0.0, 255.0));
      }
    }
  }
  return image;
}

cv::Mat view_of(const Image& image) {
  return {int(image.shape.height),
          int(image.shape.width),
          CV_8UC3,
          const_cast<uint8_t*>(image.pixels.data())};
}

double milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

double median(std::vector<double> values) {
  std::nth_element(
      values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
  return values[values.size() / 2];
}

struct Row {
  std::string name;
  std::function<void(Image&, Image&)> own;               // image in place, with a scratch
  std::function<void(const cv::Mat&, cv::Mat&)> opencv;  // from, to
};

cv::Mat lookup(const std::function<double(int)>& level) {
  cv::Mat table(1, 256, CV_8U);
  for (int k = 0; k < 256; ++k) {
    table.at<uint8_t>(k) = uint8_t(std::clamp(std::trunc(level(k)), 0.0, 255.0));
  }
  return table;
}

// Rotation and shear about the centre, as both sides take it: from the result to the source.
const dtrain::data::AffineParameters kAffine{.angle = 17, .translate_x = 2, .shear_x = 9};

void warp(const cv::Mat& from, cv::Mat& to, int interpolation) {
  const double center = double(from.cols) * 0.5;
  const dtrain::data::InverseAffine inverse = dtrain::data::inverse_affine(kAffine, center, center);
  // OpenCV's coordinates are those of pixel centres, torchvision's of their edges.
  const double shift_x = inverse.a * 0.5 + inverse.b * 0.5 + inverse.c - 0.5;
  const double shift_y = inverse.d * 0.5 + inverse.e * 0.5 + inverse.f - 0.5;
  const cv::Matx23d matrix(inverse.a, inverse.b, shift_x, inverse.d, inverse.e, shift_y);
  cv::warpAffine(from, to, matrix, from.size(), interpolation | cv::WARP_INVERSE_MAP);
}

std::vector<Row> rows() {
  using namespace dtrain::data;
  const AffineOptions bilinear{.interpolation = Interpolation::kBilinear};
  return {
      {"affine, nearest",
       [](Image& image, Image& scratch) { affine(image, scratch, kAffine); },
       [](const cv::Mat& from, cv::Mat& to) { warp(from, to, cv::INTER_NEAREST); }},
      {"affine, bilinear",
       [=](Image& image, Image& scratch) { affine(image, scratch, kAffine, bilinear); },
       [](const cv::Mat& from, cv::Mat& to) { warp(from, to, cv::INTER_LINEAR); }},
      {"gaussian blur, 5",
       [](Image& image, Image& scratch) { gaussian_blur(image, scratch, 5, 1.3); },
       [](const cv::Mat& from, cv::Mat& to) {
         cv::GaussianBlur(from, to, {5, 5}, 1.3, 1.3, cv::BORDER_REFLECT_101);
       }},
      {"grey",
       [](Image& image, Image&) { to_grayscale(image); },
       [](const cv::Mat& from, cv::Mat& to) {
         cv::Mat grey;
         cv::cvtColor(from, grey, cv::COLOR_RGB2GRAY);
         cv::cvtColor(grey, to, cv::COLOR_GRAY2RGB);
       }},
      {"hue",
       [](Image& image, Image&) { adjust_hue(image, 0.1); },
       [](const cv::Mat& from, cv::Mat& to) {
         cv::Mat hsv;
         cv::cvtColor(from, hsv, cv::COLOR_RGB2HSV_FULL);
         hsv += cv::Scalar(25.5, 0, 0);
         cv::cvtColor(hsv, to, cv::COLOR_HSV2RGB_FULL);
       }},
      {"saturation",
       [](Image& image, Image&) { adjust_saturation(image, 1.4); },
       [](const cv::Mat& from, cv::Mat& to) {
         cv::Mat grey, grey3;
         cv::cvtColor(from, grey, cv::COLOR_RGB2GRAY);
         cv::cvtColor(grey, grey3, cv::COLOR_GRAY2RGB);
         cv::addWeighted(from, 1.4, grey3, -0.4, 0, to);
       }},
      {"brightness",
       [](Image& image, Image&) { adjust_brightness(image, 1.2); },
       [](const cv::Mat& from, cv::Mat& to) {
         cv::LUT(from, lookup([](int k) { return 1.2 * k; }), to);
       }},
      {"posterize",
       [](Image& image, Image&) { posterize(image, 4); },
       [](const cv::Mat& from, cv::Mat& to) {
         cv::LUT(from, lookup([](int k) { return k & 0xF0; }), to);
       }},
      {"equalize",
       [](Image& image, Image&) { equalize(image); },
       [](const cv::Mat& from, cv::Mat& to) {
         std::vector<cv::Mat> planes;
         cv::split(from, planes);
         for (cv::Mat& plane : planes) cv::equalizeHist(plane, plane);
         cv::merge(planes, to);
       }},
      {"resize to 3/8, antialiased",
       [](Image& image, Image& scratch) {
         static dtrain::image::ResampleScratch buffers;
         const auto side = double(image.shape.height);
         const int64_t small = image.shape.height * 3 / 8;
         dtrain::image::resample(image,
                                 {0, 0, side, side},
                                 {0, 0, image.shape.width, image.shape.height},
                                 small,
                                 small,
                                 scratch,
                                 buffers);
         std::swap(image, scratch);
       },
       [](const cv::Mat& from, cv::Mat& to) {
         const int small = from.cols * 3 / 8;
         cv::resize(from, to, {small, small}, 0, 0, cv::INTER_AREA);
       }},
  };
}

void compare(const Row& row, int64_t side) {
  const Image source = picture(side);
  Image own, scratch;
  cv::Mat theirs;
  std::vector<double> own_times, their_times;
  for (int round = 0; round < kRounds; ++round) {
    own = source;
    own_times.push_back(milliseconds([&] { row.own(own, scratch); }));
    their_times.push_back(milliseconds([&] { row.opencv(view_of(source), theirs); }));
  }
  int largest = 0;
  double sum = 0;
  const cv::Mat flat = theirs.reshape(1, 1);
  for (size_t i = 0; i < own.pixels.size(); ++i) {
    const int by = std::abs(int(own.pixels[i]) - int(flat.at<uint8_t>(int(i))));
    largest = std::max(largest, by);
    sum += by;
  }
  dtrain::util::Hasher hasher;
  hasher.update(flat.data, own.pixels.size());
  std::printf(
      "%-28s %4lld  differs by up to %3d, mean %.3f  bits %.12s  own %.3f ms, OpenCV %.3f ms\n",
      row.name.c_str(),
      static_cast<long long>(side),
      largest,
      sum / double(own.pixels.size()),
      hasher.hex().c_str(),
      median(own_times),
      median(their_times));
}

void compare_png(int64_t side) {
  const Image source = picture(side);
  const dtrain::render::Image page{side, side, 3, source.pixels};
  std::vector<double> own_times, their_times;
  std::vector<uint8_t> file;
  std::string own;
  for (int round = 0; round < kRounds; ++round) {
    own_times.push_back(milliseconds([&] { own = dtrain::render::png_bytes(page); }));
    their_times.push_back(milliseconds([&] { cv::imencode(".png", view_of(source), file); }));
  }
  std::printf("%-28s %4lld  %zu and %zu bytes  own %.3f ms, OpenCV %.3f ms\n",
              "write PNG",
              static_cast<long long>(side),
              own.size(),
              file.size(),
              median(own_times),
              median(their_times));
}

}  // namespace

int main() {
  cv::setNumThreads(0);
  std::printf("OpenCV %s\n", cv::getVersionString().c_str());
  for (const Row& row : rows()) {
    for (const int64_t side : {32, 224, 512}) compare(row, side);
  }
  for (const int64_t side : {224, 512}) compare_png(side);
  return 0;
}
