// The model section of the configuration: which classifier, for which images. Needs no torch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/fields.h"

namespace dtrain::models {

struct ModelConfig {
  std::string name = "resnet18";
  int64_t in_channels = 0;
  int64_t num_classes = 0;
  std::string stem = "auto";
  int64_t width = 64;
  bool zero_init_residual = false;
  std::string initial_checkpoint = {};
};

// The names that create_model knows, in the order of the table in model_table.cpp.
std::vector<std::string> model_names();

template <class V>
void fields(V& v, ModelConfig& c) {
  using namespace config;
  v("name", c.name, one_of(model_names()), "Model, by torchvision's name.");
  v("in_channels", c.in_channels, at_least(0), "Image channels; 0: as the data set has.");
  v("num_classes", c.num_classes, at_least(0), "Classes; 0: as the data set has.");
  v("stem",
    c.stem,
    one_of({"auto", "imagenet", "small"}),
    "First layers: imagenet (7x7 stride 2, max pool), small (3x3 stride 1), auto: small up to 64 "
    "pixels.");
  v("width", c.width, at_least(1), "Channels of the first stage; 64 is the published model.");
  v("zero_init_residual",
    c.zero_init_residual,
    "Start the last batch norm of every residual branch at zero.");
  v("initial_checkpoint",
    c.initial_checkpoint,
    kFree,
    "Run, checkpoint or .safetensors file whose weights a new run starts from; the last layer is "
    "fresh where the classes differ.");
}

// What the data set says about its images.
struct InputSpec {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t classes = 0;
};

// The config with nothing left to the data: channels, classes and stem are filled in. Throws a
// config Error where the config and the data set contradict each other.
ModelConfig resolve(ModelConfig config, const InputSpec& input);

}  // namespace dtrain::models
