// Loss scaling for float16.
#include "train/grad_scaler.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "util/check.h"

namespace dtrain::train {

// The scale is a float in torch: every product is rounded to one here too.
GradScaler::GradScaler(const GradScalerConfig& config, bool enabled)
    : config_(config),
      enabled_(enabled),
      scale_(enabled ? double(static_cast<float>(config.init_scale)) : 1.0) {}

bool GradScaler::unscale(const std::vector<at::Tensor>& gradients,
                         const dist::ProcessGroup& group) const {
  if (!enabled_) return true;
  const at::NoGradGuard no_grad;
  const auto options = gradients.at(0).options().dtype(at::kFloat);
  at::Tensor found_inf = at::zeros({}, options);
  const at::Tensor inverse = at::full({}, 1.0 / scale_, options);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found_inf, inverse);
  // The reduced gradients are the same on all ranks, and so is their finiteness; but an update that
  // some ranks make and others skip is the one thing that must never be.
  found_inf = found_inf.cpu();
  group.all_reduce_max(found_inf);
  return found_inf.item<float>() == 0.0F;
}

void GradScaler::update(bool finite) {
  if (!enabled_) return;
  if (finite) {
    skips_at_floor_ = 0;
    if (++good_updates_ < config_.growth_interval) return;
    good_updates_ = 0;
    const double grown = double(static_cast<float>(scale_ * config_.growth_factor));
    if (std::isfinite(grown)) scale_ = grown;
    return;
  }
  good_updates_ = 0;
  if (scale_ <= config_.min_scale && ++skips_at_floor_ >= kMaxSkipsAtFloor) {
    throw data_error("loss scale",
                     "at its floor of " + std::to_string(config_.min_scale) +
                         " the gradients overflowed in " + std::to_string(kMaxSkipsAtFloor) +
                         " updates in a row",
                     "go on from the last checkpoint with a lower learning rate, or with "
                     "--amp-dtype bfloat16");
  }
  scale_ = std::max(double(static_cast<float>(scale_ * config_.backoff_factor)),
                    std::min(scale_, config_.min_scale));
}

state::NamedTensors GradScaler::state() const {
  return {{"", at::tensor({scale_, double(good_updates_), double(skips_at_floor_)}, at::kDouble)}};
}

void GradScaler::load(const state::NamedTensors& values) {
  if (values.empty()) return;
  const at::Tensor numbers = values.front().second.to(at::kCPU, at::kDouble).contiguous();
  check(numbers.numel() == 3, "the state of a loss scale has three numbers");
  scale_ = numbers[0].item<double>();
  good_updates_ = int64_t(numbers[1].item<double>());
  skips_at_floor_ = int64_t(numbers[2].item<double>());
}

}  // namespace dtrain::train
