// Arithmetic of Pillow's ImageEnhance and ImageOps.
#include "data/transforms/photometric.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "data/transforms/pixel_loops.h"
#include "util/check.h"
#include "util/wide.h"

namespace dtrain::data {
namespace {

// Pixels whose brightness is kept beside them.
constexpr int64_t kPhotometricBlock = 256;

using Counts = std::array<int64_t, 256>;

int64_t size_of(const Image& image) { return static_cast<int64_t>(image.pixels.size()); }

ByteTable all_values() {
  ByteTable table;
  std::iota(table.begin(), table.end(), uint8_t{0});
  return table;
}

// Each value blended with one grey level.
void blend_with(Image& image, uint8_t level, double factor) {
  ByteTable from, table = all_values();
  from.fill(level);
  blend(from.data(), table.data(), static_cast<float>(factor), 256, table.data());
  map_bytes(image.pixels.data(), size_of(image), table);
}

// Calls visit(pixels of a block, their brightness, their number) for an image of three channels.
template <class Visit>
void for_each_block(Image& image, Visit visit) {
  uint8_t grey[kPhotometricBlock];
  const int64_t pixels = size_of(image) / 3;
  for (int64_t begin = 0; begin < pixels; begin += kPhotometricBlock) {
    const int64_t count = std::min(kPhotometricBlock, pixels - begin);
    uint8_t* rgb = image.pixels.data() + 3 * begin;
    luma(rgb, count, grey);
    visit(rgb, grey, count);
  }
}

int64_t sum_of(const uint8_t* bytes, int64_t count) {
  return std::accumulate(bytes, bytes + count, int64_t{0});
}

uint8_t mean_brightness(Image& image) {
  int64_t sum = 0;
  if (image.shape.channels == 1) {
    sum = sum_of(image.pixels.data(), size_of(image));
  } else {
    for_each_block(image, [&](const uint8_t*, const uint8_t* grey, int64_t count) {
      sum += sum_of(grey, count);
    });
  }
  const auto pixels = static_cast<double>(image.shape.height * image.shape.width);
  return static_cast<uint8_t>(static_cast<double>(sum) / pixels + 0.5);
}

// Smallest and largest value of each channel, at [c], [c + 3], [c + 6] ... for three channels.
constexpr int64_t kLanes = 48;
struct Extremes {
  uint8_t least[kLanes], most[kLanes];
};

// `count` is a multiple of kLanes.
DTRAIN_WIDE void find_extremes(const uint8_t* bytes, int64_t count, Extremes& found) {
  Extremes lanes = found;
  for (int64_t begin = 0; begin < count; begin += kLanes) {
    for (int64_t i = 0; i < kLanes; ++i) {
      const uint8_t value = bytes[begin + i];
      lanes.least[i] = value < lanes.least[i] ? value : lanes.least[i];
      lanes.most[i] = value > lanes.most[i] ? value : lanes.most[i];
    }
  }
  found = lanes;
}

// Of each channel.
template <size_t kChannels>
std::array<Counts, 3> histograms(const std::vector<uint8_t>& pixels) {
  // Neighbours are often equal, and adding to a count waits until the last addition to it has
  // reached memory: they have counts of their own.
  constexpr size_t kPair = 2 * kChannels;
  uint32_t counts[kPair][256] = {};
  const size_t whole = pixels.size() / kPair * kPair;
  const uint8_t* values = pixels.data();
  for (size_t i = 0; i < whole; i += kPair) {
    for (size_t k = 0; k < kPair; ++k) ++counts[k][values[i + k]];
  }
  for (size_t i = whole; i < pixels.size(); ++i) ++counts[i - whole][values[i]];
  std::array<Counts, 3> sums{};
  for (size_t k = 0; k < kPair; ++k) {
    for (size_t v = 0; v < 256; ++v) sums[k % kChannels][v] += counts[k][v];
  }
  return sums;
}

ByteTable stretching(int64_t least, int64_t most) {
  ByteTable table = all_values();
  if (most <= least) return table;
  const double scale = 255.0 / static_cast<double>(most - least);
  const double offset = -static_cast<double>(least) * scale;
  for (int64_t v = 0; v < 256; ++v) {
    const auto stretched = static_cast<int64_t>(static_cast<double>(v) * scale + offset);
    table[static_cast<size_t>(v)] = static_cast<uint8_t>(std::clamp<int64_t>(stretched, 0, 255));
  }
  return table;
}

ByteTable equalizing(const Counts& counts) {
  ByteTable table = all_values();
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const auto last = std::find_if(counts.rbegin(), counts.rend(), [](int64_t n) { return n > 0; });
  const int64_t step = last == counts.rend() ? 0 : (total - *last) / 255;
  if (step == 0) return table;
  int64_t sum = step / 2;
  for (size_t v = 0; v < 256; ++v) {
    table[v] = static_cast<uint8_t>(std::min<int64_t>(sum / step, 255));
    sum += counts[v];
  }
  return table;
}

}  // namespace

void adjust_brightness(Image& image, double factor) { blend_with(image, 0, factor); }

void adjust_contrast(Image& image, double factor) {
  blend_with(image, mean_brightness(image), factor);
}

void adjust_saturation(Image& image, double factor) {
  if (image.shape.channels == 1) return;
  for_each_block(image, [&](uint8_t* rgb, const uint8_t* grey, int64_t count) {
    uint8_t colourless[3 * kPhotometricBlock];
    repeat_three_times(grey, count, colourless);
    blend(colourless, rgb, static_cast<float>(factor), 3 * count, rgb);
  });
}

void adjust_hue(Image& image, double turn) {
  check(turn >= -0.5 && turn <= 0.5, "the hue is turned by at most half a circle");
  if (image.shape.channels == 1) return;
  const auto shift = static_cast<uint8_t>(static_cast<int32_t>(turn * 255));
  turn_hue(image.pixels.data(), size_of(image) / 3, shift);
}

void to_grayscale(Image& image) {
  if (image.shape.channels == 1) return;
  for_each_block(image, [](uint8_t* rgb, const uint8_t* grey, int64_t count) {
    repeat_three_times(grey, count, rgb);
  });
}

void random_grayscale(Image& image, double probability, util::CounterRng& rng) {
  if (rng.uniform() < probability) to_grayscale(image);
}

DTRAIN_WIDE void posterize(Image& image, int64_t bits) {
  check(bits >= 1 && bits <= 8, "posterizing keeps 1 to 8 bits");
  const auto mask = static_cast<uint8_t>(0xFF << (8 - bits));
  for (uint8_t& value : image.pixels) value &= mask;
}

DTRAIN_WIDE void solarize(Image& image, double threshold) {
  if (threshold > 255) return;
  const auto first = static_cast<uint8_t>(std::ceil(std::max(threshold, 0.0)));
  for (uint8_t& value : image.pixels) {
    value = value < first ? value : static_cast<uint8_t>(255 - value);
  }
}

void autocontrast(Image& image) {
  const auto channels = static_cast<size_t>(image.shape.channels);
  Extremes found;
  std::fill_n(found.least, kLanes, uint8_t{255});
  std::fill_n(found.most, kLanes, uint8_t{0});
  const int64_t count = size_of(image), whole = count / kLanes * kLanes;
  find_extremes(image.pixels.data(), whole, found);
  for (int64_t i = whole; i < count; ++i) {
    const uint8_t value = image.pixels[static_cast<size_t>(i)];
    found.least[i - whole] = std::min(found.least[i - whole], value);
    found.most[i - whole] = std::max(found.most[i - whole], value);
  }
  std::array<ByteTable, 3> tables;
  for (size_t c = 0; c < channels; ++c) {
    uint8_t least = 255, most = 0;
    for (size_t i = c; i < kLanes; i += channels) {
      least = std::min(least, found.least[i]);
      most = std::max(most, found.most[i]);
    }
    tables[c] = stretching(least, most);
  }
  map_channels(image, tables);
}

void equalize(Image& image) {
  const auto channels = static_cast<size_t>(image.shape.channels);
  const auto counts = channels == 1 ? histograms<1>(image.pixels) : histograms<3>(image.pixels);
  std::array<ByteTable, 3> tables;
  for (size_t c = 0; c < channels; ++c) tables[c] = equalizing(counts[c]);
  map_channels(image, tables);
}

void invert(Image& image) { solarize(image, 0); }

}  // namespace dtrain::data
