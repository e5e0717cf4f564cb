// Choice of the part, and its way from the file to the result.
#include "data/framing.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "image/decoding_share.h"
#include "image/orientation.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

using image::Box;
using image::Rectangle;

// As Python's round(): halves to the even neighbour.
int64_t round_even(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

Box box_of(const Rectangle& r) {
  return {double(r.left), double(r.top), double(r.width), double(r.height)};
}

// The pixels that a box touches.
Rectangle around(const Box& box, int64_t width, int64_t height) {
  const auto low = [](double v) { return std::max<int64_t>(0, int64_t(std::floor(v + 1e-6))); };
  const auto high = [](double v, int64_t limit) {
    return std::min(limit, int64_t(std::ceil(v - 1e-6)));
  };
  const int64_t left = low(box.left), top = low(box.top);
  return {left,
          top,
          high(box.left + box.width, width) - left,
          high(box.top + box.height, height) - top};
}

// A picture whose shorter side was resized to `resize`.
struct ResizedPicture {
  const FramingParameters& p;
  int64_t width, height;
  double x, y;  // pixels of the picture in one of its

  ResizedPicture(int64_t from_width, int64_t from_height, const FramingParameters& parameters)
      : p(parameters) {
    check(p.resize >= p.shape.height && p.resize >= p.shape.width,
          "a picture is resized to at least what is cut out of it");
    const int64_t shorter = std::min(from_width, from_height);
    const auto resized = [&](int64_t side) {
      return side == shorter ? p.resize
                             : int64_t(double(p.resize) * double(side) / double(shorter));
    };
    width = resized(from_width);
    height = resized(from_height);
    x = double(from_width) / double(width);
    y = double(from_height) / double(height);
  }

  Box crop(int64_t left, int64_t top) const {
    return {
        double(left) * x, double(top) * y, double(p.shape.width) * x, double(p.shape.height) * y};
  }
};

Box choose_part(int64_t width, int64_t height, const FramingParameters& p, util::CounterRng& rng) {
  using Part = FramingParameters::Part;
  if (p.part == Part::kRandomArea) return box_of(draw_part(width, height, p, rng));
  if (p.part == Part::kAnchored) return anchored_part(width, height, p);
  const ResizedPicture resized(width, height, p);
  const int64_t top = rng.below(resized.height - p.shape.height + 1);
  const int64_t left = rng.below(resized.width - p.shape.width + 1);
  return resized.crop(left, top);
}

}  // namespace

Rectangle draw_part(int64_t width,
                    int64_t height,
                    const FramingParameters& p,
                    util::CounterRng& rng) {
  const double area = double(width) * double(height);
  const double log_low = std::log(p.ratio_low), log_high = std::log(p.ratio_high);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * (p.scale_low + (p.scale_high - p.scale_low) * rng.uniform());
    const double ratio = std::exp(log_low + (log_high - log_low) * rng.uniform());
    const int64_t w = round_even(std::sqrt(target * ratio));
    const int64_t h = round_even(std::sqrt(target / ratio));
    if (w <= 0 || w > width || h <= 0 || h > height) continue;
    const int64_t top = rng.below(height - h + 1);
    const int64_t left = rng.below(width - w + 1);
    return {left, top, w, h};
  }
  const double ratio = double(width) / double(height);
  int64_t w = width, h = height;
  if (ratio < p.ratio_low) h = round_even(double(width) / p.ratio_low);
  if (ratio > p.ratio_high) w = round_even(double(height) * p.ratio_high);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

Box anchored_part(int64_t width, int64_t height, const FramingParameters& p) {
  const ResizedPicture resized(width, height, p);
  return resized.crop(round_even(double(resized.width - p.shape.width) * p.anchor_x),
                      round_even(double(resized.height - p.shape.height) * p.anchor_y));
}

void frame(const FramingParameters& p,
           const Sample& sample,
           Image& image,
           FramingScratch& scratch,
           util::CounterRng& rng) {
  image::Header header;
  const bool encoded = !sample.encoded.empty();
  if (encoded) {
    header = image::read_header(sample.encoded);
  } else {
    header.width = sample.image.shape.width;
    header.height = sample.image.shape.height;
  }
  const Box shown = choose_part(header.shown_width(), header.shown_height(), p, rng);
  const Box part = image::to_stored(shown, header.orientation, header.width, header.height);
  const int64_t height = header.is_turned() ? p.shape.width : p.shape.height;
  const int64_t width = header.is_turned() ? p.shape.height : p.shape.width;

  image::Decoded& decoded = scratch.decoded;
  const image::DecodingShare share(encoded ? image::memory_to_decode(header, p.exact) : 0, decoded);
  if (encoded) {
    image::decode(sample.encoded,
                  header,
                  around(part, header.width, header.height),
                  width,
                  height,
                  p.shape.channels,
                  p.exact,
                  decoded);
  } else {
    decoded.left = decoded.top = 0;
    decoded.reduction = 1;
  }
  const Image& from = encoded ? decoded.pixels : sample.image;
  const double r = double(decoded.reduction);
  Box box{part.left / r - double(decoded.left),
          part.top / r - double(decoded.top),
          part.width / r,
          part.height / r};
  // A reduced picture has its size rounded up, so a box at its edge stays inside.
  const Rectangle whole{0, 0, from.shape.width, from.shape.height};
  const bool crops_first = p.part == FramingParameters::Part::kRandomArea;
  const Rectangle bounds = crops_first ? around(box, from.shape.width, from.shape.height) : whole;
  image::resample(from, box, bounds, height, width, image, scratch.resample);
  image::apply_orientation(image, header.orientation, scratch.turned);
}

}  // namespace dtrain::data
