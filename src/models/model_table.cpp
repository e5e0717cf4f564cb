#include "models/model_table.h"

#include "util/check.h"
#include "util/text.h"

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
  const std::string known =
      util::joined(kModels, ", ", [](const Row& row) { return std::string(row.name); });
  throw config_error("model.name", "there is no model '" + name + "'", "choose one of " + known);
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Row& row : kModels) {
    names.emplace_back(row.name);
  }
  return names;
}

ResNetOptions resnet_options(const ModelConfig& config) {
  check(config.in_channels > 0 && config.num_classes > 0 && config.stem != "auto",
        "the model's config is resolved against the data set");
  ResNetOptions options = find(config.name).options;
  options.in_channels = config.in_channels;
  options.num_classes = config.num_classes;
  options.stem = config.stem == "small" ? nn::StemKind::kSmall : nn::StemKind::kImagenet;
  options.width = config.width;
  return options;
}

int64_t multiply_adds(const ModelConfig& config, const InputSpec& input) {
  return multiply_adds(resnet_options(config), input.height, input.width);
}

}  // namespace dtrain::models
