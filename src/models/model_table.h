// The table of models: what each name stands for, without torch.
#pragma once

#include <cstdint>

#include "models/model_config.h"
#include "models/resnet_options.h"

namespace dtrain::models {

// `config` must be resolved (models/model_config.h). Throws a config Error for a name that is not
// in the table.
ResNetOptions resnet_options(const ModelConfig& config);

// What a forward pass of one image costs, as multiplications; `config` must be resolved.
int64_t multiply_adds(const ModelConfig& config, const InputSpec& input);

}  // namespace dtrain::models
