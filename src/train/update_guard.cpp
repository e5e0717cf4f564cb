#include "train/update_guard.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "dist/peer_failed.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::train {

UpdateGuard::UpdateGuard(const NonFiniteConfig& config,
                         nn::Classifier& model,
                         const dist::ProcessGroup& control,
                         WriteReport write_report)
    : config_(config), control_(control), write_report_(std::move(write_report)) {
  for (const at::Tensor& buffer : model.buffers()) {
    buffers_.push_back(buffer);
    remembered_.push_back(buffer.clone());
  }
}

void UpdateGuard::start_update() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < buffers_.size(); ++i) remembered_[i].copy_(buffers_[i]);
  loss_sum_ = images_ = at::Tensor();
  ids_.clear();
}

void UpdateGuard::restore_buffers() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(remembered_[i]);
}

void UpdateGuard::saw(const data::Batch& batch, const at::Tensor& loss_sum) {
  ids_.push_back(batch.ids);
  const at::Tensor loss = loss_sum.detach();
  if (!loss_sum_.defined()) {
    loss_sum_ = loss;
    images_ = batch.images;
    return;
  }
  // The first micro-batch with a bad loss stays: chosen on the device, not to wait for it, and not
  // by keeping all of them, which accumulation is there to avoid.
  if (batch.images.sizes() == images_.sizes()) {
    images_ = at::where(at::isfinite(loss_sum_), batch.images, images_);
  } else if (losses_are_finite()) {
    images_ = batch.images;
  }
  loss_sum_ = loss_sum_ + loss;
}

bool UpdateGuard::losses_are_finite() const {
  return !loss_sum_.defined() || std::isfinite(loss_sum_.item<double>());
}

UpdateGuard::Verdict UpdateGuard::judge(const StepFindings& findings,
                                        bool scaled,
                                        double loss_scale,
                                        const TrainState& state) {
  if (rolled_back_.count(state.step) > 0) {
    restore_buffers();
    return Verdict::kSkip;
  }
  if (findings.bad_gradients() + findings.bad_losses() == 0) {
    // What is made a second time after a rollback is no progress yet.
    if (state.step > last_failed_step_) failures_in_a_row_ = 0;
    return Verdict::kApply;
  }
  restore_buffers();
  const int64_t bad_loss = findings.first_bad_loss();
  if (scaled && bad_loss < 0) return Verdict::kSkip;

  const bool in_loss = bad_loss >= 0;
  const int64_t named = in_loss ? bad_loss : findings.first_bad_gradients();
  report(state, loss_scale, named);
  const int64_t how_many = in_loss ? findings.bad_losses() : findings.bad_gradients();
  failure_.rank = named;
  failure_.what = in_loss ? "loss" : "gradients";
  failure_.cause = (in_loss ? "it is not finite on rank "
                            : "they are not finite, though the loss is, on rank ") +
                   std::to_string(named) + " (" + std::to_string(how_many) + " of " +
                   std::to_string(control_.size()) + " ranks); no rank changed its weights";
  ++failures_in_a_row_;
  last_failed_step_ = std::max(last_failed_step_, state.step);
  if (config_.policy == "stop") give_up("lower the learning rate, or see --nonfinite.policy");
  if (failures_in_a_row_ > config_.max_skips) {
    give_up("only " + std::to_string(config_.max_skips) +
            " such updates in a row are allowed: lower the learning rate, or raise "
            "--nonfinite.max_skips");
  }
  util::log_warning("Update " + std::to_string(state.step) + " left out: " + failure_.what + ": " +
                    failure_.cause);
  if (config_.policy == "skip") return Verdict::kSkip;
  rolled_back_.insert(state.step);
  return Verdict::kRollback;
}

void UpdateGuard::give_up(const std::string& advice) const {
  const Error error = data_error(failure_.what, failure_.cause, advice);
  if (control_.rank() == failure_.rank) throw error;
  throw dist::PeerFailed(failure_.rank, error);
}

// By the ranks whose loss is bad; where no loss is, by the first rank.
void UpdateGuard::report(const TrainState& state, double loss_scale, int64_t first_rank) const {
  if (losses_are_finite() && control_.rank() != first_rank) return;
  FailedUpdate failed{.rank = control_.rank(),
                      .step = state.step,
                      .epoch = state.epoch,
                      .lr = state.lr,
                      .loss_sum = loss_sum_.item<double>(),
                      .loss_scale = loss_scale,
                      .samples = {},
                      .images = images_};
  for (const at::Tensor& ids : ids_) {
    const at::Tensor values = ids.to(at::kCPU).contiguous();
    const auto* begin = values.const_data_ptr<int64_t>();
    failed.samples.insert(failed.samples.end(), begin, begin + values.numel());
  }
  write_report_(failed);
}

}  // namespace dtrain::train
