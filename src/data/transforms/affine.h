// Affine transforms of images of one or three channels, as torchvision.transforms.functional has
// them for Pillow images, and bit for bit what it makes of them: nearest neighbours in 16.16 fixed
// point, bilinear interpolation in double with the fraction cut off. `scratch` takes the result and
// is swapped with `image`. Angles are in degrees.
#pragma once

#include <array>
#include <cstdint>

#include "data/sample.h"
#include "util/random.h"

namespace dtrain::data {

enum class Interpolation : uint8_t { kNearest, kBilinear };

struct AffineOptions {
  Interpolation interpolation = Interpolation::kNearest;
  std::array<uint8_t, 3> fill = {0, 0, 0};  // what lies outside of the image shows; grey: fill[0]
};

// The place that a pixel of the result shows, (a x + b y + c, d x + e y + f); pixel centres are at
// halves.
struct InverseAffine {
  double a = 1, b = 0, c = 0, d = 0, e = 1, f = 0;
};

// In the order of torchvision's affine: shear, clockwise rotation about the centre, translation.
struct AffineParameters {
  double angle = 0;
  double translate_x = 0, translate_y = 0;
  double shear_x = 0, shear_y = 0;
};

// About (center_x, center_y); torchvision's _get_inverse_affine_matrix without scaling.
InverseAffine inverse_affine(const AffineParameters& parameters, double center_x, double center_y);

// About the middle of the image; counterclockwise, as Pillow's and torchvision's rotate.
InverseAffine inverse_rotation(double angle, const ImageShape& shape);

void transform(Image& image,
               Image& scratch,
               const InverseAffine& inverse,
               const AffineOptions& options = {});

// About the middle of the image, as torchvision's affine without a centre.
void affine(Image& image,
            Image& scratch,
            const AffineParameters& parameters,
            const AffineOptions& options = {});

void rotate(Image& image, Image& scratch, double angle, const AffineOptions& options = {});

// By an angle uniform in [low, high), one draw: torchvision's RandomRotation((low, high)), or
// RandomRotation(degrees) with low = -degrees and high = degrees.
void random_rotation(Image& image,
                     Image& scratch,
                     double low,
                     double high,
                     const AffineOptions& options,
                     util::CounterRng& rng);

}  // namespace dtrain::data
