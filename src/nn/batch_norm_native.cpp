// Synchronised batch norm on a GPU: LibTorch's own kernels, which Python's SyncBatchNorm uses too.
//
// No CUDA header is needed, so this is part of every program; without a GPU nothing calls it.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>
#include <vector>

#include "nn/batch_norm_function.h"

namespace dtrain::nn::detail {
namespace {

// Note [Ranks without images]
// The kernel that merges the statistics of the ranks divides by the count so far, so a count of
// zero gives NaN; Python removes such rows, which makes the host wait for the GPU in every layer.
// This count is a value that float holds, that makes no difference beside that of a rank with
// images, and that is rounded to zero where the kernels add up whole numbers.
constexpr double kCountOfNone = 1e-30;

// (1, 2C + 1): mean, 1 / sqrt(var + eps) and count of this rank's images.
at::Tensor native_local_statistics(const at::Tensor& x, const BatchNormCall& call) {
  const int64_t channels = x.size(1);
  const at::TensorOptions options = x.options().dtype(call.running_mean.scalar_type());
  if (x.numel() == 0) {
    return at::cat({at::zeros({channels}, options),
                    at::ones({channels}, options),
                    at::full({1}, kCountOfNone, options)})
        .unsqueeze(0);
  }
  const auto [mean, invstd] = at::batch_norm_stats(x, call.eps);
  const double count = double(x.numel()) / double(channels);
  return at::cat({mean, invstd, at::full({1}, count, options)}).unsqueeze(0);
}

struct NativeBatchNorm : torch::autograd::Function<NativeBatchNorm> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx,
                            const at::Tensor& input,
                            const at::Tensor& weight,
                            const at::Tensor& bias,
                            const BatchNormCall* call) {
    const int64_t channels = input.size(1);
    const at::Tensor x = input.contiguous(input.suggest_memory_format());
    const at::Tensor mine = native_local_statistics(x, *call);
    at::Tensor all = at::empty({call->group->size(), mine.size(1)}, mine.options());
    call->group->all_gather_into(all, mine);
    const at::Tensor counts = all.select(1, 2 * channels).contiguous();
    const auto [mean, invstd] =
        at::batch_norm_gather_stats_with_counts(x,
                                                all.narrow(1, 0, channels),
                                                all.narrow(1, channels, channels),
                                                call->running_mean,
                                                call->running_var,
                                                call->momentum,
                                                call->eps,
                                                counts);
    ctx->save_for_backward({x, weight, mean, invstd, counts.to(at::kInt)});
    save_call(*ctx, *call);
    if (x.numel() == 0) return at::empty_like(x);
    return at::batch_norm_elemt(x, weight, bias, mean, invstd, call->eps);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &invstd = saved[3];
    const BatchNormCall call = saved_call(*ctx);
    const int64_t channels = x.size(1);
    // The kernels for channels-last want both in that order.
    const at::Tensor dy = gradients[0].contiguous(x.suggest_memory_format());
    at::Tensor sums = at::zeros({2 * channels}, mean.options());
    at::Tensor grad_weight = at::zeros_like(weight), grad_bias = at::zeros_like(weight);
    if (x.numel() > 0) {
      at::Tensor sum_dy, sum_dy_xmu;
      std::tie(sum_dy, sum_dy_xmu, grad_weight, grad_bias) =
          at::batch_norm_backward_reduce(dy, x, mean, invstd, weight, true, true, true);
      sums = at::cat({sum_dy, sum_dy_xmu});
    }
    // Also without images: the other ranks wait for this one.
    call.group->all_reduce_sum(sums);
    at::Tensor dx = at::empty_like(x);
    if (x.numel() > 0) {
      dx = at::batch_norm_backward_elemt(dy,
                                         x,
                                         mean,
                                         invstd,
                                         weight,
                                         sums.narrow(0, 0, channels),
                                         sums.narrow(0, channels, channels),
                                         /*count=*/saved[4]);
    }
    return {dx, grad_weight, grad_bias, at::Tensor()};
  }
};

}  // namespace

bool has_native_batch_norm(const at::Tensor& x, const BatchNormCall& call) {
  return x.is_cuda() && call.training && call.group.has_value() && call.virtual_world == 0;
}

at::Tensor native_batch_norm(const at::Tensor& x,
                             const at::Tensor& weight,
                             const at::Tensor& bias,
                             const at::Tensor& residual,
                             const BatchNormCall& call) {
  at::Tensor y = NativeBatchNorm::apply(x, weight, bias, &call);
  if (residual.defined()) y = y + residual;
  return call.relu ? at::relu(y) : y;
}

}  // namespace dtrain::nn::detail
