#include "data/datasets/picture_sizes.h"

#include <algorithm>
#include <vector>

#include "image/header.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

constexpr int64_t kMostLookedAt = 200;
constexpr int64_t kUsualSide = 224, kLargestKept = 256, kStep = 32;

}  // namespace

PictureSizes survey_sizes(const Dataset& dataset) {
  PictureSizes sizes;
  sizes.all_alike = true;
  std::vector<int64_t> sides;
  Sample sample;
  const int64_t count = std::min(dataset.size(), kMostLookedAt);
  for (int64_t i = 0; i < count; ++i) {
    image::Header header;
    try {
      dataset.read(i * dataset.size() / count, sample);
      if (sample.encoded.empty()) continue;
      header = image::read_header(sample.encoded);
    } catch (const Error&) {
      continue;
    }
    const int64_t width = header.shown_width(), height = header.shown_height();
    if (sizes.looked_at++ == 0) {
      sizes.width = width;
      sizes.height = height;
    }
    sizes.all_alike = sizes.all_alike && width == sizes.width && height == sizes.height;
    sides.push_back(std::min(width, height));
  }
  sizes.all_alike = sizes.all_alike && sizes.looked_at > 0;
  if (sides.empty()) return sizes;
  const auto middle = sides.begin() + static_cast<std::ptrdiff_t>(sides.size() / 2);
  std::nth_element(sides.begin(), middle, sides.end());
  sizes.median_side = *middle;
  return sizes;
}

ChosenSize choose_size(const PictureSizes& sizes) {
  const std::string alike = std::to_string(sizes.width) + " x " + std::to_string(sizes.height);
  if (sizes.all_alike && sizes.width == sizes.height && sizes.width <= kLargestKept) {
    return {sizes.width, true, "all images are " + alike};
  }
  if (sizes.looked_at == 0) return {kUsualSide, false, "no image could be read"};
  const std::string why = sizes.all_alike
                              ? "all images are " + alike
                              : "images differ in size, the median of their shorter sides is " +
                                    std::to_string(sizes.median_side);
  const int64_t fitting = std::max(kStep, (sizes.median_side + kStep / 2) / kStep * kStep);
  return {std::min(kUsualSide, fitting), false, why};
}

}  // namespace dtrain::data
