// Keeps small gradients of float16 from becoming zero: the loss is scaled up, the gradients down.
//
//   at::Tensor loss = scaler.scale(out.loss_sum / samples);
//   reducer.backward(loss);                            // all-reduce of scaled gradients
//   const bool finite = scaler.unscale(gradients, group);
//   if (finite) { clip; optimizer.step(); }            // on all ranks or on none
//   scaler.update(finite);
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dist/process_group.h"
#include "state/stateful.h"
#include "train/grad_scaler_config.h"

namespace dtrain::train {

// As torch.amp.GradScaler (Micikevicius et al. 2017, arXiv:1710.03740), with two differences: the
// ranks agree on an overflow, and the scale has a floor. Disabled, it has a scale of one and never
// skips.
class GradScaler : public state::Stateful {
 public:
  static constexpr int64_t kMaxSkipsAtFloor = 20;

  GradScaler(const GradScalerConfig& config, bool enabled);

  bool enabled() const { return enabled_; }
  double scale() const { return scale_; }

  at::Tensor scale(const at::Tensor& loss) const { return enabled_ ? loss * scale_ : loss; }

  // Divides the gradients (all of one device) by the scale, in place, and says whether all of them
  // are finite, on every rank: collective. Disabled: true, without a look at them.
  bool unscale(const std::vector<at::Tensor>& gradients, const dist::ProcessGroup& group) const;

  // After every update, made or skipped: moves the scale. Throws Error(kData) after
  // kMaxSkipsAtFloor updates in a row were skipped at the floor: no scale helps then.
  void update(bool finite);

  std::string name() const override { return "grad_scaler"; }
  // (3) double: scale, updates since the scale last changed, skips in a row at the floor.
  state::NamedTensors state() const override;
  void load(const state::NamedTensors& values) override;
  bool may_lack_state() const override { return true; }  // in checkpoints older than it

 private:
  GradScalerConfig config_;
  bool enabled_;
  double scale_;
  int64_t good_updates_ = 0;
  int64_t skips_at_floor_ = 0;
};

}  // namespace dtrain::train
