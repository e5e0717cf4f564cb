// The operations that automatic augmentation chooses from (rand_augment.h, auto_augment.h), and how
// strong each is at a magnitude: torchvision's _apply_op and _augmentation_space.
#pragma once

#include <array>
#include <cstdint>

#include "data/sample.h"
#include "data/transforms/affine.h"

namespace dtrain::data {

// In torchvision's order; the values index kOperations.
enum class Operation : uint8_t {
  kIdentity,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kRotate,
  kBrightness,
  kColor,
  kContrast,
  kSharpness,
  kPosterize,
  kSolarize,
  kAutoContrast,
  kEqualize,
  kInvert,
};

struct OperationInfo {
  Operation operation;
  const char* name;  // torchvision's
  bool is_signed;    // a drawn magnitude is negative half of the time
  void (*apply)(Image& image, Image& scratch, double magnitude, const AffineOptions& options);
};

// One row for each operation, in their order.
extern const std::array<OperationInfo, 15> kOperations;

inline const OperationInfo& info(Operation operation) {
  return kOperations[static_cast<size_t>(operation)];
}

// What a magnitude is counted in.
enum class MagnitudeUnit : uint8_t {
  kNone,    // the operation has no magnitude
  kPlain,   // slope of a shear, pixels, degrees, factor - 1, threshold
  kWidths,  // pixels, as a share of the image's width
  kHeights,
  kBits,  // rounded to whole ones
};

// Magnitudes of an operation, evenly spaced from the first bin to the last one.
struct MagnitudeRange {
  Operation operation;
  MagnitudeUnit unit;
  double first, last;
};

// RandAugment's operations and ranges; AutoAugment's too, which has Invert instead of Identity.
extern const std::array<MagnitudeRange, 15> kUsualRanges;
// TrivialAugmentWide's.
extern const std::array<MagnitudeRange, 14> kWideRanges;

// The magnitude of a bin in 0 .. bins - 1 (bins > 1), in float32 as torch.linspace computes it; 0
// without a magnitude.
double magnitude_of(const MagnitudeRange& range,
                    int64_t bin,
                    int64_t bins,
                    const ImageShape& shape);

// An operation with its magnitude, sign included.
struct OperationDraw {
  Operation operation;
  double magnitude;
  bool operator==(const OperationDraw&) const = default;
};

void apply(Image& image, Image& scratch, const OperationDraw& draw, const AffineOptions& options);

}  // namespace dtrain::data
