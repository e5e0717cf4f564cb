// opencv_compare: OpenCV's functions beside dtrain's own on the same images. One row each: the
// difference in levels, a checksum of OpenCV's result and the median time of both, in turns.
//
// dtrain's transforms equal torchvision's (tests/data), so the difference to dtrain is that to
// torchvision. The same bits on every CPU: compare the checksums with those of
//   OPENCV_CPU_DISABLE=AVX512-SKX,AVX2,FP16,AVX,SSE4.2,SSE4.1 opencv_compare
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>

#include "data/transforms/affine.h"
#include "data/transforms/filters.h"
#include "data/transforms/geometric.h"
#include "data/transforms/photometric.h"
#include "image/resample.h"
#include "render/contact_sheet.h"
#include "render/drawing.h"
#include "render/png.h"

namespace {

using namespace dtrain;
using data::Image;
using Clock = std::chrono::steady_clock;

// Soft hills with noise on top, so that there is something to smooth and to compress.
Image random_image(int64_t side, uint32_t seed) {
  std::mt19937 random(seed);
  constexpr int64_t kHills = 8;
  std::vector<int64_t> levels((kHills + 1) * (kHills + 1) * 3);
  for (int64_t& level : levels) level = int64_t(random() % 256);
  Image image;
  image.resize({side, side, 3});
  const int64_t cell = side / kHills;
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side * 3; ++x) {
      const int64_t c = x % 3, right = x / 3 % cell, down = y % cell;
      const int64_t* corner = &levels[size_t((y / cell * (kHills + 1) + x / 3 / cell) * 3 + c)];
      const int64_t* below = corner + (kHills + 1) * 3;
      const int64_t upper = corner[0] * (cell - right) + corner[3] * right;
      const int64_t lower = below[0] * (cell - right) + below[3] * right;
      const int64_t level = (upper * (cell - down) + lower * down) / (cell * cell);
      const int64_t noise = int64_t(random() % 17) - 8;
      image.row(y)[x] = uint8_t(std::clamp<int64_t>(level + noise, 0, 255));
    }
  }
  return image;
}

cv::Mat view(const Image& image) {
  const auto bytes = const_cast<uint8_t*>(image.pixels.data());
  return {int(image.shape.height), int(image.shape.width), CV_8UC3, bytes};
}

unsigned long long checksum(const uint8_t* bytes, size_t count) {  // FNV-1a
  unsigned long long sum = 14695981039346656037ULL;
  for (size_t i = 0; i < count; ++i) sum = (sum ^ bytes[i]) * 1099511628211ULL;
  return sum;
}

double median(std::vector<double>& values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

double microseconds_of(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Both in turns, the image fresh each time, 11 to 401 times.
struct Times {
  double ours = 0, opencv = 0;
};
Times time_both(const std::function<void()>& fresh,
                const std::function<void()>& ours,
                const std::function<void()>& opencv) {
  std::vector<double> own_times, cv_times;
  const auto start = Clock::now();
  while (own_times.size() < 11 ||
         (own_times.size() < 401 && Clock::now() - start < std::chrono::milliseconds(60))) {
    fresh();
    own_times.push_back(microseconds_of(ours));
    cv_times.push_back(microseconds_of(opencv));
  }
  return {median(own_times), median(cv_times)};
}

void print_row(
    const char* name, int64_t side, const cv::Mat& own, const cv::Mat& result, const Times& times) {
  CV_Assert(own.size() == result.size() && own.type() == result.type() && result.isContinuous());
  const size_t count = result.total() * result.elemSize();
  int64_t sum = 0, most = 0;
  for (size_t i = 0; i < count; ++i) {
    const int64_t difference = std::abs(own.data[i] - result.data[i]);
    sum += difference;
    most = std::max(most, difference);
  }
  std::printf("%-16s %4ld %5ld %9.4f  %016llx %10.1f %10.1f\n",
              name,
              long(side),
              long(most),
              double(sum) / double(count),
              checksum(result.data, count),
              times.ours,
              times.opencv);
}

// `ours` works on an image in place, `opencv` writes its second argument.
void compare(const char* name,
             const Image& input,
             const std::function<void(Image&, Image&)>& ours,
             const std::function<void(const cv::Mat&, cv::Mat&)>& opencv) {
  Image image = input, scratch = input;
  const cv::Mat from = view(input);
  cv::Mat result;
  const Times times = time_both(
      [&] { image = input; }, [&] { ours(image, scratch); }, [&] { opencv(from, result); });
  print_row(name, input.shape.height, view(image), result, times);
}

cv::Mat table_of(const std::function<double(int)>& value) {
  cv::Mat table(1, 256, CV_8U);
  for (int i = 0; i < 256; ++i) table.data[i] = uint8_t(std::clamp(value(i), 0.0, 255.0));
  return table;
}

void warp(const cv::Mat& from, cv::Mat& to, const data::InverseAffine& m, int interpolation) {
  // OpenCV's pixels have their centres at whole numbers.
  const cv::Matx23d matrix(
      m.a, m.b, m.c + (m.a + m.b - 1) / 2, m.d, m.e, m.f + (m.d + m.e - 1) / 2);
  cv::warpAffine(from, to, matrix, from.size(), interpolation | cv::WARP_INVERSE_MAP);
}

void compare_warps(const Image& input) {
  const auto inverse = data::inverse_rotation(17, input.shape);
  compare(
      "rotate nearest",
      input,
      [&](Image& image, Image& scratch) { data::transform(image, scratch, inverse); },
      [&](const cv::Mat& from, cv::Mat& to) { warp(from, to, inverse, cv::INTER_NEAREST); });
  const data::AffineOptions bilinear{.interpolation = data::Interpolation::kBilinear};
  compare(
      "rotate bilinear",
      input,
      [&](Image& image, Image& scratch) { data::transform(image, scratch, inverse, bilinear); },
      [&](const cv::Mat& from, cv::Mat& to) { warp(from, to, inverse, cv::INTER_LINEAR); });
  compare(
      "flip",
      input,
      [](Image& image, Image&) { data::flip_horizontally(image); },
      [](const cv::Mat& from, cv::Mat& to) { cv::flip(from, to, 1); });
  compare(
      "crop reflected",
      input,
      [](Image& image, Image& scratch) {
        data::shifted_crop(image, scratch, 4, 1, 6, data::PaddingMode::kReflect);
      },
      [](const cv::Mat& from, cv::Mat& to) {
        cv::Mat padded;
        cv::copyMakeBorder(from, padded, 4, 4, 4, 4, cv::BORDER_REFLECT_101);
        padded(cv::Rect(6, 1, from.cols, from.rows)).copyTo(to);
      });
}

void compare_filters(const Image& input) {
  const int kernel = input.shape.height < 100 ? 5 : 23;
  compare(
      "gaussian blur",
      input,
      [&](Image& image, Image& scratch) { data::gaussian_blur(image, scratch, kernel, 1.1); },
      [&](const cv::Mat& from, cv::Mat& to) {
        cv::GaussianBlur(from, to, {kernel, kernel}, 1.1, 1.1, cv::BORDER_REFLECT_101);
      });
  compare(
      "sharpness",
      input,
      [](Image& image, Image& scratch) { data::adjust_sharpness(image, scratch, 1.7); },
      [](const cv::Mat& from, cv::Mat& to) {
        const cv::Matx33f smooth(1, 1, 1, 1, 5, 1, 1, 1, 1);
        cv::Mat soft = from.clone();  // whose edge stays
        const cv::Rect inner(1, 1, from.cols - 2, from.rows - 2);
        cv::Mat middle = soft(inner);
        cv::filter2D(from(inner), middle, -1, smooth * (1 / 13.0F));
        cv::addWeighted(soft, 1 - 1.7, from, 1.7, 0, to);
      });
}

void compare_colours(const Image& input) {
  using Operation = std::function<void(Image&)>;
  const auto row = [&](const char* name,
                       const Operation& ours,
                       const std::function<void(const cv::Mat&, cv::Mat&)>& opencv) {
    compare(
        name, input, [&](Image& image, Image&) { ours(image); }, opencv);
  };
  row(
      "hue",
      [](Image& image) { data::adjust_hue(image, 0.1); },
      [](const cv::Mat& from, cv::Mat& to) {
        cv::Mat hsv, hue;
        cv::cvtColor(from, hsv, cv::COLOR_RGB2HSV_FULL);
        cv::extractChannel(hsv, hue, 0);
        cv::LUT(hue, table_of([](int i) { return (i + 25) % 256; }), hue);
        cv::insertChannel(hue, hsv, 0);
        cv::cvtColor(hsv, to, cv::COLOR_HSV2RGB_FULL);
      });
  row("grey", data::to_grayscale, [](const cv::Mat& from, cv::Mat& to) {
    cv::Mat grey;
    cv::cvtColor(from, grey, cv::COLOR_RGB2GRAY);
    cv::cvtColor(grey, to, cv::COLOR_GRAY2RGB);
  });
  row(
      "saturation",
      [](Image& image) { data::adjust_saturation(image, 1.4); },
      [](const cv::Mat& from, cv::Mat& to) {
        cv::Mat grey;
        cv::cvtColor(from, grey, cv::COLOR_RGB2GRAY);
        cv::cvtColor(grey, grey, cv::COLOR_GRAY2RGB);
        cv::addWeighted(grey, 1 - 1.4, from, 1.4, 0, to);
      });
  row(
      "brightness",
      [](Image& image) { data::adjust_brightness(image, 1.4); },
      [](const cv::Mat& from, cv::Mat& to) {
        cv::LUT(from, table_of([](int i) { return 1.4F * float(i); }), to);
      });
  row(
      "contrast",
      [](Image& image) { data::adjust_contrast(image, 1.4); },
      [](const cv::Mat& from, cv::Mat& to) {
        cv::Mat grey;
        cv::cvtColor(from, grey, cv::COLOR_RGB2GRAY);
        const float mean = std::floor(float(cv::mean(grey)[0]) + 0.5F);
        cv::LUT(from, table_of([&](int i) { return mean + 1.4F * (float(i) - mean); }), to);
      });
  row(
      "posterize",
      [](Image& image) { data::posterize(image, 3); },
      [](const cv::Mat& from, cv::Mat& to) {
        cv::LUT(from, table_of([](int i) { return i & 0xE0; }), to);
      });
  row(
      "solarize",
      [](Image& image) { data::solarize(image, 128); },
      [](const cv::Mat& from, cv::Mat& to) {
        cv::LUT(from, table_of([](int i) { return i < 128 ? i : 255 - i; }), to);
      });
  row("invert", data::invert, [](const cv::Mat& from, cv::Mat& to) { cv::bitwise_not(from, to); });
  const auto each_channel = [](const auto& change) {
    return [change](const cv::Mat& from, cv::Mat& to) {
      std::vector<cv::Mat> channels;
      cv::split(from, channels);
      for (cv::Mat& channel : channels) change(channel);
      cv::merge(channels, to);
    };
  };
  row("equalize", data::equalize, each_channel([](cv::Mat& c) { cv::equalizeHist(c, c); }));
  row("autocontrast", data::autocontrast, each_channel([](cv::Mat& channel) {
        cv::normalize(channel, channel, 0, 255, cv::NORM_MINMAX);
      }));
}

void compare_resize(const Image& input, const char* name, int64_t side, int interpolation) {
  image::ResampleScratch scratch;
  const int64_t own = input.shape.height;
  Image image;
  cv::Mat result;
  const Times times =
      time_both([] {},
                [&] {
                  const image::Box box{0, 0, double(own), double(own)};
                  image::resample(input, box, {0, 0, own, own}, side, side, image, scratch);
                },
                [&] {
                  const cv::Size size{int(side), int(side)};
                  cv::resize(view(input), result, size, 0, 0, interpolation);
                });
  print_row(name, own, view(image), result, times);
}

render::Image as_render(const Image& image) {
  return {image.shape.width, image.shape.height, 3, image.pixels};
}

cv::Mat view(const render::Image& image) {
  const auto bytes = const_cast<uint8_t*>(image.pixels.data());
  return {int(image.height), int(image.width), CV_8UC3, bytes};
}

void compare_png(const Image& input, const char* name, const std::vector<int>& options) {
  const render::Image picture = as_render(input);
  std::string own;
  std::vector<uint8_t> file;
  cv::Mat turned;
  const Times times = time_both([] {},
                                [&] { own = render::png_bytes(picture); },
                                [&] {
                                  cv::cvtColor(view(input), turned, cv::COLOR_RGB2BGR);
                                  cv::imencode(".png", turned, file, options);
                                });
  std::printf("%-16s %4ld %7zu : %-7zu %016llx %10.1f %10.1f  (bytes of both)\n",
              name,
              long(input.shape.height),
              own.size(),
              file.size(),
              checksum(file.data(), file.size()),
              times.ours,
              times.opencv);
}

// One enlarged image on a sheet without text.
void compare_sheet(const Image& input) {
  const render::Gallery gallery{.title = "", .items = {{as_render(input), {}}}, .columns = 1};
  const int side = int(input.shape.height), scale = std::max(1, (96 + side - 1) / side);
  render::Image own = render::render(gallery);
  const int top = int(own.height) - 16 - side * scale;
  cv::Mat sheet;
  const Times times =
      time_both([] {},
                [&] { own = render::render(gallery); },
                [&] {
                  sheet = cv::Mat(int(own.height), int(own.width), CV_8UC3, cv::Scalar::all(255));
                  cv::Mat place = sheet(cv::Rect(8, top, side * scale, side * scale));
                  cv::resize(view(input), place, place.size(), 0, 0, cv::INTER_NEAREST);
                });
  print_row("contact sheet", side, view(own), sheet, times);
}

// A grid of thin lines, slanted so that the way of stepping shows.
void compare_lines(int side) {
  render::Drawing drawing(side, side, "");
  for (int i = 0; i < side; i += 16) {
    drawing.line({double(i), 2}, {double(side - 3), double(i)}, render::Ink::kAxis);
  }
  render::Image own = drawing.image();
  const uint8_t ink = *std::min_element(own.pixels.begin(), own.pixels.end());
  cv::Mat result;
  const Times times =
      time_both([] {},
                [&] { own = drawing.image(); },
                [&] {
                  result = cv::Mat(side, side, CV_8UC3, cv::Scalar::all(255));
                  for (int i = 0; i < side; i += 16) {
                    cv::line(result, {i, 2}, {side - 3, i}, cv::Scalar::all(ink), 1, cv::LINE_8);
                  }
                });
  print_row("drawing: lines", side, view(own), result, times);
}

}  // namespace

int main() {
  cv::setNumThreads(0);
  std::printf("OpenCV %s, %s\n", CV_VERSION, cv::getCPUFeaturesLine().c_str());
  std::printf("%-16s %4s %5s %9s  %-16s %10s %10s\n",
              "what",
              "side",
              "most",
              "mean",
              "checksum",
              "ours us",
              "OpenCV us");
  for (const int64_t side : {32, 224, 512}) {
    const Image input = random_image(side, uint32_t(side));
    compare_warps(input);
    compare_filters(input);
    compare_colours(input);
    compare_resize(input, "halve (area)", side / 2, cv::INTER_AREA);
    compare_resize(input, "x 0.44 (area)", side * 7 / 16, cv::INTER_AREA);
    compare_resize(input, "x 0.44 (linear)", side * 7 / 16, cv::INTER_LINEAR);
    compare_resize(input, "x 1.75 (linear)", side * 7 / 4, cv::INTER_LINEAR);
    compare_sheet(input);
    compare_lines(int(side));
    compare_png(input, "PNG", {});
    compare_png(input, "PNG, level 6", {cv::IMWRITE_PNG_COMPRESSION, 6});
  }
}
