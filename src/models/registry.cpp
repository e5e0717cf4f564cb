#include "models/registry.h"

#include "models/model_table.h"
#include "models/resnet.h"
#include "nn/init.h"

namespace dtrain::models {

std::shared_ptr<nn::Classifier> create_model(const ModelConfig& config, uint64_t seed) {
  auto model = std::make_shared<ResNet>(resnet_options(config));
  nn::initialise(*model, seed);
  if (config.zero_init_residual) {
    model->zero_init_residual();
  }
  return model;
}

}  // namespace dtrain::models
