// Tables of operations and magnitudes.
#include "data/transforms/augment_operation.h"

#include <cmath>
#include <numbers>

#include "data/transforms/filters.h"
#include "data/transforms/photometric.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

using Options = const AffineOptions&;

// A magnitude is the slope of the shear; torchvision goes by its angle, and about the left upper
// corner.
void shear(Image& image, Image& scratch, double x, double y, Options options) {
  const auto angle_of = [](double slope) { return std::atan(slope) * (180 / std::numbers::pi); };
  const AffineParameters parameters{.shear_x = angle_of(x), .shear_y = angle_of(y)};
  transform(image, scratch, inverse_affine(parameters, 0, 0), options);
}

void shear_x(Image& image, Image& scratch, double magnitude, Options options) {
  shear(image, scratch, magnitude, 0, options);
}

void shear_y(Image& image, Image& scratch, double magnitude, Options options) {
  shear(image, scratch, 0, magnitude, options);
}

void translate_x(Image& image, Image& scratch, double magnitude, Options options) {
  affine(image, scratch, {.translate_x = std::trunc(magnitude)}, options);
}

void translate_y(Image& image, Image& scratch, double magnitude, Options options) {
  affine(image, scratch, {.translate_y = std::trunc(magnitude)}, options);
}

void identity(Image&, Image&, double, Options) {}
void brightness(Image& image, Image&, double m, Options) { adjust_brightness(image, 1 + m); }
void color(Image& image, Image&, double m, Options) { adjust_saturation(image, 1 + m); }
void contrast(Image& image, Image&, double m, Options) { adjust_contrast(image, 1 + m); }
void sharpness(Image& image, Image& scratch, double m, Options) {
  adjust_sharpness(image, scratch, 1 + m);
}
void posterize_to(Image& image, Image&, double m, Options) {
  posterize(image, static_cast<int64_t>(m));
}
void solarize_from(Image& image, Image&, double m, Options) { solarize(image, m); }
void stretch(Image& image, Image&, double, Options) { autocontrast(image); }
void flatten(Image& image, Image&, double, Options) { equalize(image); }
void negate(Image& image, Image&, double, Options) { invert(image); }

// torch.linspace in float32: from both ends towards the middle, where a step's product and the sum
// are rounded once.
double linspace(double first, double last, int64_t bin, int64_t bins) {
  const auto low = static_cast<float>(first), high = static_cast<float>(last);
  const double step = (high - low) / static_cast<float>(bins - 1);
  const double value = bin < bins / 2 ? low + step * static_cast<double>(bin)
                                      : high - step * static_cast<double>(bins - 1 - bin);
  return static_cast<float>(value);
}

}  // namespace

const std::array<OperationInfo, 15> kOperations = {{
    {Operation::kIdentity, "Identity", false, identity},
    {Operation::kShearX, "ShearX", true, shear_x},
    {Operation::kShearY, "ShearY", true, shear_y},
    {Operation::kTranslateX, "TranslateX", true, translate_x},
    {Operation::kTranslateY, "TranslateY", true, translate_y},
    {Operation::kRotate, "Rotate", true, rotate},
    {Operation::kBrightness, "Brightness", true, brightness},
    {Operation::kColor, "Color", true, color},
    {Operation::kContrast, "Contrast", true, contrast},
    {Operation::kSharpness, "Sharpness", true, sharpness},
    {Operation::kPosterize, "Posterize", false, posterize_to},
    {Operation::kSolarize, "Solarize", false, solarize_from},
    {Operation::kAutoContrast, "AutoContrast", false, stretch},
    {Operation::kEqualize, "Equalize", false, flatten},
    {Operation::kInvert, "Invert", false, negate},
}};

const std::array<MagnitudeRange, 15> kUsualRanges = {{
    {Operation::kIdentity, MagnitudeUnit::kNone, 0, 0},
    {Operation::kShearX, MagnitudeUnit::kPlain, 0, 0.3},
    {Operation::kShearY, MagnitudeUnit::kPlain, 0, 0.3},
    {Operation::kTranslateX, MagnitudeUnit::kWidths, 0, 150.0 / 331.0},
    {Operation::kTranslateY, MagnitudeUnit::kHeights, 0, 150.0 / 331.0},
    {Operation::kRotate, MagnitudeUnit::kPlain, 0, 30},
    {Operation::kBrightness, MagnitudeUnit::kPlain, 0, 0.9},
    {Operation::kColor, MagnitudeUnit::kPlain, 0, 0.9},
    {Operation::kContrast, MagnitudeUnit::kPlain, 0, 0.9},
    {Operation::kSharpness, MagnitudeUnit::kPlain, 0, 0.9},
    {Operation::kPosterize, MagnitudeUnit::kBits, 8, 4},
    {Operation::kSolarize, MagnitudeUnit::kPlain, 255, 0},
    {Operation::kAutoContrast, MagnitudeUnit::kNone, 0, 0},
    {Operation::kEqualize, MagnitudeUnit::kNone, 0, 0},
    {Operation::kInvert, MagnitudeUnit::kNone, 0, 0},
}};

const std::array<MagnitudeRange, 14> kWideRanges = {{
    {Operation::kIdentity, MagnitudeUnit::kNone, 0, 0},
    {Operation::kShearX, MagnitudeUnit::kPlain, 0, 0.99},
    {Operation::kShearY, MagnitudeUnit::kPlain, 0, 0.99},
    {Operation::kTranslateX, MagnitudeUnit::kPlain, 0, 32},
    {Operation::kTranslateY, MagnitudeUnit::kPlain, 0, 32},
    {Operation::kRotate, MagnitudeUnit::kPlain, 0, 135},
    {Operation::kBrightness, MagnitudeUnit::kPlain, 0, 0.99},
    {Operation::kColor, MagnitudeUnit::kPlain, 0, 0.99},
    {Operation::kContrast, MagnitudeUnit::kPlain, 0, 0.99},
    {Operation::kSharpness, MagnitudeUnit::kPlain, 0, 0.99},
    {Operation::kPosterize, MagnitudeUnit::kBits, 8, 2},
    {Operation::kSolarize, MagnitudeUnit::kPlain, 255, 0},
    {Operation::kAutoContrast, MagnitudeUnit::kNone, 0, 0},
    {Operation::kEqualize, MagnitudeUnit::kNone, 0, 0},
}};

double magnitude_of(const MagnitudeRange& range,
                    int64_t bin,
                    int64_t bins,
                    const ImageShape& shape) {
  check(bins > 1 && bin >= 0 && bin < bins, "a magnitude is one of at least two bins");
  switch (range.unit) {
    case MagnitudeUnit::kNone:
      return 0;
    case MagnitudeUnit::kPlain:
      return linspace(range.first, range.last, bin, bins);
    case MagnitudeUnit::kWidths:
      return linspace(range.first, range.last * static_cast<double>(shape.width), bin, bins);
    case MagnitudeUnit::kHeights:
      return linspace(range.first, range.last * static_cast<double>(shape.height), bin, bins);
    case MagnitudeUnit::kBits:
      break;
  }
  const double bins_per_bit = static_cast<double>(bins - 1) / (range.first - range.last);
  return range.first - std::nearbyint(static_cast<float>(bin) / static_cast<float>(bins_per_bit));
}

void apply(Image& image, Image& scratch, const OperationDraw& draw, const AffineOptions& options) {
  info(draw.operation).apply(image, scratch, draw.magnitude, options);
}

}  // namespace dtrain::data
