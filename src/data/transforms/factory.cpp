// From settings to steps.
#include "data/transforms/factory.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>
#include <utility>

#include "data/transforms/erasing.h"
#include "data/transforms/geometric.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

std::vector<double> spread(const char* key, std::vector<double> values, int64_t channels) {
  if (values.size() == 1) values.resize(static_cast<size_t>(channels), values[0]);
  if (static_cast<int64_t>(values.size()) != channels) {
    throw config_error(std::string("transforms.") + key,
                       "there are " + std::to_string(values.size()) + " values for images of " +
                           std::to_string(channels) + " channels",
                       "give one value, or one per channel");
  }
  return values;
}

std::pair<double, double> low_high(const char* key, const std::vector<double>& values) {
  if (values.size() != 2 || values[0] > values[1]) {
    throw config_error(std::string("transforms.") + key,
                       "expected the smallest and the largest value",
                       "write it as [low, high]");
  }
  return {values[0], values[1]};
}

std::string with_number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

TransformStep crop_step(const TransformConfig& config, const ImageShape& shape) {
  const int64_t padding = config.random_crop_padding;
  const bool zero = config.padding_mode == "zero";
  if (!zero && padding >= std::min(shape.height, shape.width)) {
    throw config_error("transforms.random_crop_padding",
                       "a padding of " + std::to_string(padding) +
                           " cannot be filled by reflecting an image of " + to_string(shape),
                       "use a smaller padding, or --set transforms.padding_mode=zero");
  }
  const PaddingMode mode = zero ? PaddingMode::kZero : PaddingMode::kReflect;
  return {"random_crop(padding=" + std::to_string(padding) + ", " + config.padding_mode + ")",
          kCropStream,
          [padding, mode](Image& image, Image& scratch, util::CounterRng& rng) {
            random_crop(image, scratch, padding, mode, rng);
          }};
}

TransformStep flip_step(const TransformConfig& config) {
  return {with_number("horizontal_flip(p=%g)", config.horizontal_flip),
          kFlipStream,
          [p = config.horizontal_flip](Image& image, Image&, util::CounterRng& rng) {
            random_flip(image, p, rng);
          }};
}

TransformStep erasing_step(const TransformConfig& config,
                           const Normalization& normalization,
                           const ImageShape& shape) {
  ErasingParameters parameters;
  parameters.probability = config.random_erasing;
  std::tie(parameters.scale_low, parameters.scale_high) =
      low_high("erasing_scale", config.erasing_scale);
  std::tie(parameters.ratio_low, parameters.ratio_high) =
      low_high("erasing_ratio", config.erasing_ratio);
  // See Note [Value of erased pixels].
  std::vector<double> value = config.erasing_value;
  if (value.empty()) {
    for (double mean : normalization.mean) value.push_back(mean * 255);
  }
  for (double v : spread("erasing_value", value, shape.channels)) {
    parameters.value.push_back(static_cast<uint8_t>(std::lround(v)));
  }
  return {with_number("random_erasing(p=%g)", config.random_erasing),
          kErasingStream,
          [parameters](Image& image, Image&, util::CounterRng& rng) {
            const auto rectangle = draw_erasing(image.shape, parameters, rng);
            if (rectangle) erase(image, *rectangle, parameters.value);
          }};
}

}  // namespace

Normalization resolve_normalization(const TransformConfig& config,
                                    const std::vector<double>& dataset_mean,
                                    const std::vector<double>& dataset_std,
                                    int64_t channels) {
  return {spread("mean", config.mean.empty() ? dataset_mean : config.mean, channels),
          spread("std", config.std.empty() ? dataset_std : config.std, channels)};
}

std::optional<FramingParameters> make_framing(const TransformConfig& config,
                                              const ImageShape& shape,
                                              bool training) {
  constexpr int64_t kUsualSize = 224;
  if (config.size == 0 && shape.height > 0) return std::nullopt;
  const int64_t size = config.size > 0 ? config.size : kUsualSize;
  FramingParameters parameters;
  parameters.shape = {size, size, shape.channels};
  parameters.random = training && config.random_resized_crop;
  std::tie(parameters.scale_low, parameters.scale_high) = low_high("crop_scale", config.crop_scale);
  std::tie(parameters.ratio_low, parameters.ratio_high) = low_high("crop_ratio", config.crop_ratio);
  parameters.resize = config.eval_resize > 0 ? config.eval_resize : size * 8 / 7;
  parameters.exact = config.exact_decoding;
  if (parameters.resize < size) {
    throw config_error(
        "transforms.eval_resize",
        "is " + std::to_string(parameters.resize) + ", less than the size, " + std::to_string(size),
        "set it to 0 for 8/7 of the size");
  }
  return parameters;
}

Transforms make_train_transforms(const TransformConfig& config,
                                 const Normalization& normalization,
                                 const ImageShape& shape) {
  Transforms steps;
  if (config.random_crop_padding > 0) steps.push_back(crop_step(config, shape));
  if (config.horizontal_flip > 0) steps.push_back(flip_step(config));
  if (config.random_erasing > 0) steps.push_back(erasing_step(config, normalization, shape));
  return steps;
}

}  // namespace dtrain::data
