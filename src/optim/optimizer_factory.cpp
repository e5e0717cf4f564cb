// From the optimizer section of the config to an optimizer.
#include "optim/optimizer_factory.h"

#include <cmath>

#include "optim/adamw.h"
#include "optim/sgd.h"
#include "util/check.h"

namespace dtrain::optim {

double usual_rate(const std::string& optimizer, int64_t global_batch) {
  const double share = static_cast<double>(global_batch) / 256;
  return optimizer == "adamw" ? 1e-3 * std::sqrt(share) : 0.1 * share;
}

std::unique_ptr<Optimizer> create_optimizer(const torch::nn::Module& model,
                                            const OptimizerConfig& config) {
  std::vector<ParamGroup> groups = param_groups(model, config);
  if (config.name == "sgd") {
    return std::make_unique<Sgd>(std::move(groups), config);
  }
  if (config.name == "adamw") {
    return std::make_unique<AdamW>(std::move(groups), config);
  }
  throw config_error(
      "optimizer.name", "there is no optimizer '" + config.name + "'", "choose sgd or adamw");
}

}  // namespace dtrain::optim
