#include "nn/batch_norm.h"

#include <ATen/ATen.h>
#include <torch/custom_class.h>

#include "nn/batch_norm_function.h"
#include "nn/virtual_shards.h"
#include "util/check.h"
#include "util/partition.h"

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
                             .group = {},
                             .shard_sizes = {x.size(0)},
                             .virtual_world = 0};
  at::Tensor scale = weight, offset = bias;
  if (call.training) {
    num_batches_tracked.add_(1);
    if (group_.has_value() && group_->size() > 1) call.group = group_;
    if (shards_) {
      call.shard_sizes = shards_->sizes();
      call.virtual_world = shards_->world();
      scale = shards_->stacked(weight);
      offset = shards_->stacked(bias);
    }
  }
  if (detail::has_native_batch_norm(x, call)) {
    return detail::native_batch_norm(x, scale, offset, residual, call);
  }
  return detail::has_fused_batch_norm(x, weight, residual)
             ? detail::fused_batch_norm(x, scale, offset, residual, call)
             : detail::generic_batch_norm(x, scale, offset, residual, call);
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

void save_call(torch::autograd::AutogradContext& context, const BatchNormCall& call) {
  context.saved_data["training"] = call.training;
  context.saved_data["shard_sizes"] = call.shard_sizes;
  context.saved_data["virtual_world"] = call.virtual_world;
  if (call.group.has_value()) {
    context.saved_data["group"] =
        c10::IValue::make_capsule(c10::make_intrusive<HeldGroup>(*call.group));
  }
}

BatchNormCall saved_call(torch::autograd::AutogradContext& context) {
  BatchNormCall call;
  call.training = context.saved_data["training"].toBool();
  call.shard_sizes = context.saved_data["shard_sizes"].toIntVector();
  call.virtual_world = context.saved_data["virtual_world"].toInt();
  const c10::IValue& group = context.saved_data["group"];
  if (!group.isNone()) {
    call.group = c10::static_intrusive_pointer_cast<HeldGroup>(group.toCapsule())->group;
  }
  return call;
}

int64_t rows_per_rank(const BatchNormCall& call) {
  const int64_t ranks = call.group.has_value() ? call.group->size() : 1;
  return call.virtual_world == 0 ? 1 : (call.virtual_world + ranks - 1) / ranks;
}

at::Tensor gather_rows(const at::Tensor& mine, const BatchNormCall& call) {
  if (!call.group.has_value()) return mine;
  std::vector<at::Tensor> rows = call.group->all_gather(mine);
  // Without the filling, so that there are as many rows whatever the number of ranks.
  for (size_t rank = 0; call.virtual_world > 0 && rank < rows.size(); ++rank) {
    const auto ranks = int64_t(rows.size()), r = int64_t(rank);
    rows[rank] = rows[rank].narrow(0,
                                   0,
                                   util::part_begin(call.virtual_world, ranks, r + 1) -
                                       util::part_begin(call.virtual_world, ranks, r));
  }
  return at::cat(rows);
}

void check_count(double count) {
  if (count != 1) return;
  throw data_error(
      "batch norm",
      "there is only one value per channel on all ranks together, which has no variance",
      "use a larger batch or larger images");
}

}  // namespace detail
}  // namespace dtrain::nn
