#include "nn/batch_norm.h"

#include <ATen/ATen.h>
#include <torch/custom_class.h>

#include "nn/batch_norm_function.h"
#include "util/check.h"

namespace dtrain::nn {

BatchNorm2dImpl::BatchNorm2dImpl(int64_t channels, double momentum, double eps)
    : weight(register_parameter("weight", at::ones({channels}))),
      bias(register_parameter("bias", at::zeros({channels}))),
      running_mean(register_buffer("running_mean", at::zeros({channels}))),
      running_var(register_buffer("running_var", at::ones({channels}))),
      num_batches_tracked(register_buffer("num_batches_tracked", at::zeros({}, at::kLong))),
      momentum_(momentum),
      eps_(eps) {}

at::Tensor BatchNorm2dImpl::forward(const at::Tensor& x) { return forward_add_relu(x, {}, false); }

at::Tensor BatchNorm2dImpl::forward_add_relu(const at::Tensor& x,
                                             const at::Tensor& residual,
                                             bool relu) {
  TORCH_CHECK(x.dim() == 4 && x.size(1) == weight.size(0),
              "batch norm over ",
              weight.size(0),
              " channels got an input of shape ",
              x.sizes());
  detail::BatchNormCall call{.running_mean = running_mean,
                             .running_var = running_var,
                             .training = is_training(),
                             .relu = relu,
                             .momentum = momentum_,
                             .eps = eps_,
                             .group = {}};
  if (call.training) {
    num_batches_tracked.add_(1);
    if (group_.has_value() && group_->size() > 1) call.group = group_;
  }
  return detail::has_fused_batch_norm(x, weight, residual)
             ? detail::fused_batch_norm(x, weight, bias, residual, call)
             : detail::generic_batch_norm(x, weight, bias, residual, call);
}

void synchronise_batch_norm(torch::nn::Module& module, std::optional<dist::ProcessGroup> group) {
  module.apply([&](torch::nn::Module& part) {
    if (auto* norm = dynamic_cast<BatchNorm2dImpl*>(&part)) norm->set_process_group(group);
  });
}

namespace detail {
namespace {

struct HeldGroup : torch::CustomClassHolder {
  explicit HeldGroup(dist::ProcessGroup group) : group(std::move(group)) {}
  dist::ProcessGroup group;
};

}  // namespace

c10::IValue hold(const std::optional<dist::ProcessGroup>& group) {
  if (!group.has_value()) return {};
  return c10::IValue::make_capsule(c10::make_intrusive<HeldGroup>(*group));
}

std::optional<dist::ProcessGroup> held(const c10::IValue& value) {
  if (value.isNone()) return {};
  return c10::static_intrusive_pointer_cast<HeldGroup>(value.toCapsule())->group;
}

void check_count(double count) {
  if (count != 1) return;
  throw data_error("batch norm",
                   "there is only one value per channel, which has no variance",
                   "use a larger batch or larger images");
}

}  // namespace detail
}  // namespace dtrain::nn
