// Each loop goes over blocks of a fixed size, so that what is between two steps stays in L1.
#include "data/transforms/pixel_loops.h"

#include <algorithm>

#include "util/wide.h"

namespace dtrain::data {
namespace {

// Pixels that are taken apart and put together again at once.
constexpr int64_t kLoopBlock = 64;

struct Planes {
  int32_t first[kLoopBlock], second[kLoopBlock], third[kLoopBlock];  // RGB or HSV
};

void split(const uint8_t* rgb, int64_t count, Planes& planes) {
  for (int64_t i = 0; i < count; ++i) {
    planes.first[i] = rgb[3 * i];
    planes.second[i] = rgb[3 * i + 1];
    planes.third[i] = rgb[3 * i + 2];
  }
}

void join(const Planes& planes, int64_t count, uint8_t* rgb) {
  for (int64_t i = 0; i < count; ++i) {
    rgb[3 * i] = static_cast<uint8_t>(planes.first[i]);
    rgb[3 * i + 1] = static_cast<uint8_t>(planes.second[i]);
    rgb[3 * i + 2] = static_cast<uint8_t>(planes.third[i]);
  }
}

// Float and double alternate as in Pillow's rgb2hsv, see Note [As Pillow rounds].
DTRAIN_WIDE void to_hsv(Planes& planes) {
  for (int64_t i = 0; i < kLoopBlock; ++i) {
    const int32_t r = planes.first[i], g = planes.second[i], b = planes.third[i];
    const int32_t most = std::max(r, std::max(g, b)), least = std::min(r, std::min(g, b));
    const bool grey = most == least;
    const float range = static_cast<float>(grey ? 1 : most - least);
    const float from_r = static_cast<float>(most - r) / range;
    const float from_g = static_cast<float>(most - g) / range;
    const float from_b = static_cast<float>(most - b) / range;
    const float if_r = from_b - from_g;
    const float if_g = static_cast<float>(2.0 + from_r - from_b);
    const float if_b = static_cast<float>(4.0 + from_g - from_r);
    const float sixths = r == most ? if_r : (g == most ? if_g : if_b);
    const double turns = sixths / 6.0 + 1.0;
    const auto hue = static_cast<float>(turns >= 1.0 ? turns - 1.0 : turns);
    const float saturation = range / static_cast<float>(std::max(most, 1));
    planes.first[i] = grey ? 0 : static_cast<int32_t>(hue * 255.0);
    planes.second[i] = grey ? 0 : static_cast<int32_t>(saturation * 255.0);
    planes.third[i] = most;
  }
}

DTRAIN_WIDE void to_rgb(Planes& planes) {
  for (int64_t i = 0; i < kLoopBlock; ++i) {
    const int32_t h = planes.first[i], s = planes.second[i], v = planes.third[i];
    const double position = h * 6.0 / 255.0;
    const auto sector = static_cast<int32_t>(position);  // 6 is 0 again
    const auto within = static_cast<float>(position - sector);
    const auto saturation = static_cast<float>(s / 255.0);
    // Rounded half up; the values are not negative.
    const auto low = static_cast<int32_t>(v * (1.0 - saturation) + 0.5);
    const auto falling = static_cast<int32_t>(v * (1.0 - saturation * within) + 0.5);
    const auto rising = static_cast<int32_t>(v * (1.0 - saturation * (1.0 - within)) + 0.5);
    const bool red_full = sector == 0 || sector >= 5, red_low = sector == 2 || sector == 3;
    const bool green_full = sector == 1 || sector == 2, green_low = sector == 4 || sector == 5;
    const bool blue_full = sector == 3 || sector == 4, blue_low = sector <= 1 || sector == 6;
    const int32_t red = sector == 1 ? falling : rising;
    const int32_t green = sector == 3 ? falling : rising;
    const int32_t blue = sector == 5 ? falling : rising;
    planes.first[i] = red_full ? v : (red_low ? low : red);
    planes.second[i] = green_full ? v : (green_low ? low : green);
    planes.third[i] = blue_full ? v : (blue_low ? low : blue);
  }
}

}  // namespace

DTRAIN_WIDE void blend(
    const uint8_t* from, const uint8_t* to, float factor, int64_t count, uint8_t* result) {
#pragma GCC ivdep  // `result` is `from` or `to`, or overlaps neither
  for (int64_t i = 0; i < count; ++i) {
    const auto difference = static_cast<float>(to[i] - from[i]);
    float value = static_cast<float>(from[i]) + factor * difference;
    value = value < 0.0F ? 0.0F : value;
    value = value > 255.0F ? 255.0F : value;
    result[i] = static_cast<uint8_t>(static_cast<int32_t>(value));
  }
}

DTRAIN_WIDE void luma(const uint8_t* rgb, int64_t pixels, uint8_t* grey) {
  for (int64_t i = 0; i < pixels; ++i) {
    const uint32_t sum =
        rgb[3 * i] * 19595U + rgb[3 * i + 1] * 38470U + rgb[3 * i + 2] * 7471U + 0x8000U;
    grey[i] = static_cast<uint8_t>(sum >> 16);
  }
}

DTRAIN_WIDE void repeat_three_times(const uint8_t* grey, int64_t pixels, uint8_t* rgb) {
  for (int64_t i = 0; i < pixels; ++i) {
    const uint8_t value = grey[i];
    rgb[3 * i] = value;
    rgb[3 * i + 1] = value;
    rgb[3 * i + 2] = value;
  }
}

void map_bytes(uint8_t* bytes, int64_t count, const ByteTable& table) {
  for (int64_t i = 0; i < count; ++i) bytes[i] = table[bytes[i]];
}

void map_channels(Image& image, const std::array<ByteTable, 3>& tables) {
  const auto count = static_cast<int64_t>(image.pixels.size());
  if (image.shape.channels == 1) {
    map_bytes(image.pixels.data(), count, tables[0]);
    return;
  }
  uint8_t* pixel = image.pixels.data();
  for (uint8_t* end = pixel + count; pixel != end; pixel += 3) {
    pixel[0] = tables[0][pixel[0]];
    pixel[1] = tables[1][pixel[1]];
    pixel[2] = tables[2][pixel[2]];
  }
}

void turn_hue(uint8_t* rgb, int64_t pixels, uint8_t shift) {
  Planes planes{};
  for (int64_t begin = 0; begin < pixels; begin += kLoopBlock) {
    const int64_t count = std::min(kLoopBlock, pixels - begin);
    split(rgb + 3 * begin, count, planes);
    to_hsv(planes);
    for (int32_t& hue : planes.first) hue = (hue + shift) & 255;
    to_rgb(planes);
    join(planes, count, rgb + 3 * begin);
  }
}

}  // namespace dtrain::data
