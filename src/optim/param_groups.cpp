// Which parameters an optimizer changes, and which of them decay.
#include "optim/param_groups.h"

namespace dtrain::optim {

std::vector<ParamGroup> param_groups(const torch::nn::Module& model,
                                     const OptimizerConfig& config) {
  ParamGroup decay{.names = {}, .params = {}, .lr = config.lr, .weight_decay = config.weight_decay};
  ParamGroup no_decay{.names = {}, .params = {}, .lr = config.lr, .weight_decay = 0.0};
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) {
      continue;
    }
    const bool exempt = config.no_decay_norm_bias && item.value().dim() <= 1;
    ParamGroup& group = exempt ? no_decay : decay;
    group.names.push_back(item.key());
    group.params.push_back(item.value());
  }
  std::vector<ParamGroup> groups;
  for (ParamGroup* group : {&decay, &no_decay}) {
    if (!group->params.empty()) {
      groups.push_back(std::move(*group));
    }
  }
  return groups;
}

}  // namespace dtrain::optim
