#include "optim/ema.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace dtrain::optim {

ModelEma::ModelEma(const torch::nn::Module& model, const EmaConfig& config)
    : decay_(config.decay), has_warmup_(config.warmup) {
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
  updates_.value = 0;
  for (size_t i = 0; i < values_.size(); ++i) averages_[i].copy_(values_[i]);
}

void ModelEma::after_update() {
  const at::NoGradGuard no_grad;
  const auto done = static_cast<double>(updates_.value++);
  const double decay = has_warmup_ ? std::min(decay_, (1 + done) / (10 + done)) : decay_;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].is_floating_point()) {
      averages_[i].lerp_(values_[i], 1.0 - decay);
    } else {
      averages_[i].copy_(values_[i]);
    }
  }
}

std::vector<state::Stateful*> ModelEma::more_state() {
  if (!has_warmup_) return {};
  return {&updates_};
}

state::NamedTensors ModelEma::UpdateCount::state() const {
  return {{"", at::full({1}, value, at::kLong)}};
}

void ModelEma::UpdateCount::load(const state::NamedTensors& values) {
  value = values.front().second.item<int64_t>();
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
