#include "optim/ema.h"

#include <ATen/ATen.h>

namespace dtrain::optim {

ModelEma::ModelEma(const torch::nn::Module& model, const EmaConfig& config) : decay_(config.decay) {
  const auto add = [&](const std::string& name, const at::Tensor& value) {
    names_.push_back(name);
    values_.push_back(value.detach());
    averages_.push_back(value.detach().clone());
  };
  for (const auto& item : model.named_parameters()) add(item.key(), item.value());
  for (const auto& item : model.named_buffers()) add(item.key(), item.value());
}

void ModelEma::start() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < values_.size(); ++i) averages_[i].copy_(values_[i]);
}

void ModelEma::after_update() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].is_floating_point()) {
      averages_[i].lerp_(values_[i], 1.0 - decay_);
    } else {
      averages_[i].copy_(values_[i]);
    }
  }
}

state::NamedTensors ModelEma::state() const {
  state::NamedTensors named;
  for (size_t i = 0; i < names_.size(); ++i) named.emplace_back(names_[i], averages_[i]);
  return named;
}

void ModelEma::exchange() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < values_.size(); ++i) {
    const at::Tensor value = values_[i].clone();
    values_[i].copy_(averages_[i]);
    averages_[i].copy_(value);
  }
}

}  // namespace dtrain::optim
