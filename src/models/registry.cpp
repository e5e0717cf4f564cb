#include "models/registry.h"

#include "models/resnet.h"
#include "nn/init.h"
#include "util/check.h"

namespace dtrain::models {
namespace {

struct Row {
  const char* name;
  ResNetOptions options;
};

// Layers per stage as in table 1 of He et al. 2015.
const Row kModels[] = {
    {"resnet18", {.block = Block::kBasic, .layers = {2, 2, 2, 2}}},
    {"resnet34", {.block = Block::kBasic, .layers = {3, 4, 6, 3}}},
    {"resnet50", {.block = Block::kBottleneck, .layers = {3, 4, 6, 3}}},
};

const Row& find(const std::string& name) {
  for (const Row& row : kModels) {
    if (name == row.name) {
      return row;
    }
  }
  std::string known;
  for (const Row& row : kModels) {
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw config_error("model.name", "there is no model '" + name + "'", "choose one of " + known);
}

ResNetOptions options_of(const ModelConfig& config) {
  check(config.in_channels > 0 && config.num_classes > 0 && config.stem != "auto",
        "the model's config is resolved against the data set");
  ResNetOptions options = find(config.name).options;
  options.in_channels = config.in_channels;
  options.num_classes = config.num_classes;
  options.stem = config.stem == "small" ? nn::StemKind::kSmall : nn::StemKind::kImagenet;
  options.width = config.width;
  return options;
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Row& row : kModels) {
    names.emplace_back(row.name);
  }
  return names;
}

std::shared_ptr<nn::Classifier> create_model(const ModelConfig& config, uint64_t seed) {
  auto model = std::make_shared<ResNet>(options_of(config));
  nn::initialise(*model, seed);
  if (config.zero_init_residual) {
    model->zero_init_residual();
  }
  return model;
}

int64_t multiply_adds(const ModelConfig& config, const InputSpec& input) {
  return multiply_adds(options_of(config), input.height, input.width);
}

}  // namespace dtrain::models
