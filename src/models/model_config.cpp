#include "models/model_config.h"

#include <algorithm>

#include "util/check.h"

namespace dtrain::models {
namespace {

// CIFAR (32), Fashion-MNIST (28) and Tiny ImageNet (64) are small; ImageNet's stem would leave 64
// pixels a side of 2 at the last stage.
constexpr int64_t kSmallSide = 64;

int64_t fill(const char* field, int64_t configured, int64_t from_data) {
  if (configured != 0 && configured != from_data) {
    throw config_error(
        std::string("model.") + field,
        "is " + std::to_string(configured) + ", but the data set has " + std::to_string(from_data),
        "set it to 0 to take the data set's");
  }
  return from_data;
}

}  // namespace

ModelConfig resolve(ModelConfig config, const InputSpec& input) {
  config.in_channels = fill("in_channels", config.in_channels, input.channels);
  config.num_classes = fill("num_classes", config.num_classes, input.classes);
  if (config.stem == "auto") {
    config.stem = std::max(input.height, input.width) <= kSmallSide ? "small" : "imagenet";
  }
  return config;
}

}  // namespace dtrain::models
