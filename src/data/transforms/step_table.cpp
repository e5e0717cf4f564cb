// The table of steps.
#include "data/transforms/step_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <sstream>
#include <tuple>

#include "data/transforms/affine.h"
#include "data/transforms/auto_augment.h"
#include "data/transforms/color_jitter.h"
#include "data/transforms/erasing.h"
#include "data/transforms/filters.h"
#include "data/transforms/geometric.h"
#include "data/transforms/photometric.h"
#include "data/transforms/rand_augment.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

using Kind = StepParameter::Kind;
using Values = StepArguments;
using Context = StepContext;
using Part = FramingParameters::Part;

// --- makers, in the order of the rows ------------------------------------------------------------

void frame_random_resized_crop(const Values& values, FramingParameters& framing) {
  framing.part = Part::kRandomArea;
  framing.shape.height = framing.shape.width = values.integer("size");
  std::tie(framing.scale_low, framing.scale_high) = values.range("scale");
  std::tie(framing.ratio_low, framing.ratio_high) = values.range("ratio");
}

void frame_resize(const Values& values, FramingParameters& framing) {
  framing.resize = values.integer("size");
}

void frame_center_crop(const Values& values, FramingParameters& framing) {
  framing.part = Part::kAnchored;
  framing.shape.height = framing.shape.width = values.integer("size");
}

void frame_random_crop(const Values& values, FramingParameters& framing) {
  if (values.integer("padding") > 0 || values.integer("size") == 0) {
    throw config_error("step random_crop",
                       "behind resize it takes a size and no padding",
                       "write random_crop(224), or put it behind center_crop");
  }
  framing.part = Part::kRandomPlace;
  framing.shape.height = framing.shape.width = values.integer("size");
}

StepFunction make_random_crop(const Values& values, Context& context) {
  const int64_t padding = values.integer("padding"), size = values.integer("size");
  const int64_t height = size > 0 ? size : context.shape.height;
  const int64_t width = size > 0 ? size : context.shape.width;
  const int64_t shorter = std::min(context.shape.height, context.shape.width);
  const bool zero = values.word("mode") == "zero";
  if (!zero && padding >= shorter) {
    throw config_error("step random_crop",
                       "a padding of " + std::to_string(padding) +
                           " cannot be filled by reflecting an image of " +
                           to_string(context.shape),
                       "use a smaller padding, or mode=zero");
  }
  if (size > shorter + 2 * padding) {
    throw config_error(
        "step random_crop",
        "its size is " + std::to_string(size) + ", its images are " + to_string(context.shape),
        "put resize(n) before it, or leave the size out");
  }
  const PaddingMode mode = zero ? PaddingMode::kZero : PaddingMode::kReflect;
  context.shape.height = height;
  context.shape.width = width;
  return [=](Image& image, Image& scratch, util::CounterRng& rng) {
    random_crop(image, scratch, height, width, padding, mode, rng);
  };
}

StepFunction make_center_crop(const Values& values, Context& context) {
  const int64_t size = values.integer("size");
  context.shape.height = context.shape.width = size;
  return [=](Image& image, Image& scratch, util::CounterRng&) {
    center_crop(image, scratch, size, size);
  };
}

StepFunction make_horizontal_flip(const Values& values, Context&) {
  return [p = values.number("p")](Image& image, Image&, util::CounterRng& rng) {
    random_flip(image, p, rng);
  };
}

StepFunction make_vertical_flip(const Values& values, Context&) {
  return [p = values.number("p")](Image& image, Image&, util::CounterRng& rng) {
    if (rng.uniform() < p) flip_vertically(image);
  };
}

// One value, or one per channel joined by '/'; `mean`: of the data set.
std::vector<uint8_t> erased_value(const std::string& text, const Context& context) {
  std::vector<double> levels;
  if (text == "mean") {
    for (double mean : context.normalization.mean) levels.push_back(mean * 255);
  } else {
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, '/');) {
      double level = -1;
      std::from_chars(part.data(), part.data() + part.size(), level);
      levels.push_back(level);
    }
  }
  const auto channels = static_cast<size_t>(context.shape.channels);
  if (levels.size() == 1) levels.resize(channels, levels[0]);
  std::vector<uint8_t> value;
  for (double level : levels) {
    if (!(level >= 0 && level <= 255)) {
      throw config_error(
          "step random_erasing",
          "value " + util::quoted(text) + " is not mean, random, or levels from 0 to 255",
          "write one level, or one per channel joined by /");
    }
    value.push_back(static_cast<uint8_t>(std::lround(level)));
  }
  if (value.size() != channels) {
    throw config_error("step random_erasing",
                       "there are " + std::to_string(value.size()) + " values for images of " +
                           std::to_string(channels) + " channels",
                       "give one value, or one per channel");
  }
  return value;
}

StepFunction make_random_erasing(const Values& values, Context& context) {
  ErasingParameters parameters;
  parameters.probability = values.number("p");
  std::tie(parameters.scale_low, parameters.scale_high) = values.range("scale");
  std::tie(parameters.ratio_low, parameters.ratio_high) = values.range("ratio");
  if (values.word("value") == "random") {
    const auto noise =
        std::make_shared<ErasingNoise>(context.normalization.mean, context.normalization.std);
    return [=](Image& image, Image&, util::CounterRng& rng) {
      const auto rectangle = draw_erasing(image.shape, parameters, rng);
      if (rectangle) erase_with_noise(image, *rectangle, *noise, rng);
    };
  }
  parameters.value = erased_value(values.word("value"), context);
  return [parameters](Image& image, Image&, util::CounterRng& rng) {
    const auto rectangle = draw_erasing(image.shape, parameters, rng);
    if (rectangle) erase(image, *rectangle, parameters.value);
  };
}

AffineOptions affine_options(const Values& values) {
  const auto level = static_cast<uint8_t>(values.integer("fill"));
  return {.interpolation = values.word("interpolation") == "bilinear" ? Interpolation::kBilinear
                                                                      : Interpolation::kNearest,
          .fill = {level, level, level}};
}

StepFunction make_rotation(const Values& values, Context&) {
  auto [low, high] = values.range("degrees");
  if (values.is_single("degrees")) low = -high;
  return [low = low, high = high, options = affine_options(values)](
             Image& image, Image& scratch, util::CounterRng& rng) {
    random_rotation(image, scratch, low, high, options, rng);
  };
}

StepFunction make_color_jitter(const Values& values, Context&) {
  const auto parameters = color_jitter(values.number("brightness"),
                                       values.number("contrast"),
                                       values.number("saturation"),
                                       values.number("hue"));
  return [=, p = values.number("p")](Image& image, Image&, util::CounterRng& rng) {
    if (rng.uniform() < p) random_color_jitter(image, parameters, rng);
  };
}

StepFunction make_grayscale(const Values& values, Context&) {
  return [p = values.number("p")](Image& image, Image&, util::CounterRng& rng) {
    random_grayscale(image, p, rng);
  };
}

StepFunction make_gaussian_blur(const Values& values, Context& context) {
  const auto [low, high] = values.range("sigma");
  const int64_t kernel = values.integer("kernel");
  const int64_t shorter = std::min(context.shape.height, context.shape.width);
  if (kernel % 2 == 0 || kernel / 2 >= shorter || low <= 0) {
    throw config_error("step gaussian_blur",
                       "its kernel is " + std::to_string(kernel) + " and its sigma from " +
                           std::to_string(low) + ", on images of " + to_string(context.shape),
                       "kernels have an odd number of pixels, less than twice the image's, and "
                       "sigma is above 0");
  }
  return [=, low = low, high = high, p = values.number("p")](
             Image& image, Image& scratch, util::CounterRng& rng) {
    if (rng.uniform() < p) random_gaussian_blur(image, scratch, kernel, low, high, rng);
  };
}

StepFunction make_solarize(const Values& values, Context&) {
  return [threshold = values.number("threshold"), p = values.number("p")](
             Image& image, Image&, util::CounterRng& rng) {
    if (rng.uniform() < p) solarize(image, threshold);
  };
}

StepFunction make_rand_augment(const Values& values, Context&) {
  const RandAugmentParameters parameters{.operations = values.integer("ops"),
                                         .magnitude = values.integer("magnitude"),
                                         .bins = values.integer("bins"),
                                         .affine = affine_options(values)};
  if (parameters.magnitude >= parameters.bins) {
    throw config_error("step rand_augment",
                       "its magnitude is " + std::to_string(parameters.magnitude) + " of " +
                           std::to_string(parameters.bins) + " bins",
                       "bins are counted from 0");
  }
  return [=](Image& image, Image& scratch, util::CounterRng& rng) {
    rand_augment(image, scratch, parameters, rng);
  };
}

StepFunction make_trivial_augment_wide(const Values& values, Context&) {
  const TrivialAugmentParameters parameters{.bins = values.integer("bins"),
                                            .affine = affine_options(values)};
  return [=](Image& image, Image& scratch, util::CounterRng& rng) {
    trivial_augment_wide(image, scratch, parameters, rng);
  };
}

StepFunction make_auto_augment(const Values& values, Context&) {
  const std::string& name = values.word("policy");
  const AutoAugmentPolicy policy = name == "imagenet"  ? AutoAugmentPolicy::kImageNet
                                   : name == "cifar10" ? AutoAugmentPolicy::kCifar10
                                                       : AutoAugmentPolicy::kSvhn;
  return
      [=, options = affine_options(values)](Image& image, Image& scratch, util::CounterRng& rng) {
        auto_augment(image, scratch, policy, options, rng);
      };
}

const StepParameter kSize{"size", Kind::kInteger, "", 1, 8192};
const StepParameter kAlways{"p", Kind::kNumber, "1", 0, 1};
const StepParameter kHalf{"p", Kind::kNumber, "0.5", 0, 1};
const StepParameter kFill{"fill", Kind::kInteger, "0", 0, 255};
const StepParameter kInterpolation{
    "interpolation", Kind::kWord, "nearest", 0, 0, "nearest bilinear"};

}  // namespace

const std::vector<StepRow>& step_rows() {
  static const std::vector<StepRow> rows = {
      // The part of a picture: these come first in a list.
      {"random_resized_crop",
       "RandomResizedCrop",
       {kSize,
        {"scale", Kind::kRange, "0.08:1", 0, 1},
        {"ratio", Kind::kRange, "0.75:1.3333333333333333", 1e-3, 1e3}},
       kPartStream,
       nullptr,
       frame_random_resized_crop},
      {"resize", "Resize (the shorter side)", {kSize}, kPartStream, nullptr, frame_resize},
      {"center_crop",
       "CenterCrop: behind resize a part of the picture",
       {kSize},
       kPartStream,
       make_center_crop,
       frame_center_crop},
      // Steps on images of one size.
      {"random_crop",
       "RandomCrop: behind resize a part of the picture; size 0: that of the images",
       {{"size", Kind::kInteger, "0", 0, 8192},
        {"padding", Kind::kInteger, "0", 0, 1024},
        {"mode", Kind::kWord, "zero", 0, 0, "zero reflect"}},
       kCropStream,
       make_random_crop,
       frame_random_crop},
      {"horizontal_flip", "RandomHorizontalFlip", {kHalf}, kFlipStream, make_horizontal_flip},
      {"vertical_flip", "RandomVerticalFlip", {kHalf}, kVerticalFlipStream, make_vertical_flip},
      {"rotation",
       "RandomRotation",
       {{"degrees", Kind::kRange, "", -180, 180}, kFill, kInterpolation},
       kRotationStream,
       make_rotation},
      {"color_jitter",
       "ColorJitter",
       {{"brightness", Kind::kNumber, "0", 0, 10},
        {"contrast", Kind::kNumber, "0", 0, 10},
        {"saturation", Kind::kNumber, "0", 0, 10},
        {"hue", Kind::kNumber, "0", 0, 0.5},
        kAlways},
       kJitterStream,
       make_color_jitter},
      {"grayscale",
       "RandomGrayscale",
       {{"p", Kind::kNumber, "0.1", 0, 1}},
       kGrayscaleStream,
       make_grayscale},
      {"gaussian_blur",
       "GaussianBlur",
       {{"kernel", Kind::kInteger, "", 1, 255}, {"sigma", Kind::kRange, "0.1:2", 0, 100}, kAlways},
       kBlurStream,
       make_gaussian_blur},
      {"solarize",
       "RandomSolarize",
       {{"threshold", Kind::kNumber, "128", 0, 256}, kHalf},
       kSolarizeStream,
       make_solarize},
      {"rand_augment",
       "RandAugment",
       {{"ops", Kind::kInteger, "2", 0, 100},
        {"magnitude", Kind::kInteger, "9", 0, 1000},
        {"bins", Kind::kInteger, "31", 2, 1001},
        kFill,
        kInterpolation},
       kAutoAugmentStream,
       make_rand_augment},
      {"trivial_augment_wide",
       "TrivialAugmentWide",
       {{"bins", Kind::kInteger, "31", 2, 1001}, kFill, kInterpolation},
       kAutoAugmentStream,
       make_trivial_augment_wide},
      {"auto_augment",
       "AutoAugment",
       {{"policy", Kind::kWord, "imagenet", 0, 0, "imagenet cifar10 svhn"}, kFill, kInterpolation},
       kAutoAugmentStream,
       make_auto_augment},
      {"random_erasing",
       "RandomErasing",
       {kHalf,
        {"scale", Kind::kRange, "0.02:0.33", 0, 1},
        {"ratio", Kind::kRange, "0.3:3.3", 1e-3, 1e3},
        {"value", Kind::kWord, "mean"}},
       kErasingStream,
       make_random_erasing},
  };
  return rows;
}

}  // namespace dtrain::data
