#include "optim/average_factory.h"

#include "optim/ema.h"

namespace dtrain::optim {

std::vector<std::unique_ptr<Average>> create_averages(const torch::nn::Module& model,
                                                      const EmaConfig& ema) {
  std::vector<std::unique_ptr<Average>> averages;
  if (ema.enabled) averages.push_back(std::make_unique<ModelEma>(model, ema));
  return averages;
}

}  // namespace dtrain::optim
