// From a model's name to the model.
#pragma once

#include <cstdint>
#include <memory>

#include "models/model_config.h"
#include "nn/classifier.h"

namespace dtrain::models {

// A model with initial weights drawn from `seed` (nn/init.h), fp32, on the CPU, in training mode,
// weights channels-last. `config` must be resolved (models/model_config.h). Throws a config Error
// for a name that is not in the table.
//
//   auto model = create_model(resolve({.name = "resnet18"}, {.channels = 1, .height = 28, .width =
//   28,
//                                                            .classes = 10}), /*seed=*/42);
std::shared_ptr<nn::Classifier> create_model(const ModelConfig& config, uint64_t seed);

}  // namespace dtrain::models
