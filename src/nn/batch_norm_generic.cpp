// Batch norm through ATen operators, for any device, dtype and memory format. On a GPU it serves
// the deterministic world; one rank uses cuDNN there, several those of batch_norm_native.cpp.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>
#include <vector>

#include "nn/batch_norm_function.h"

namespace dtrain::nn::detail {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor per_channel(const at::Tensor& values) { return values.view({1, -1, 1, 1}); }

at::ScalarType acc_type(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

struct Statistics {
  at::Tensor count;  // () double, values per channel over all ranks
  at::Tensor mean;   // (C) double
  at::Tensor var;    // (C) double, biased
};

// Mean and sum of squared deviations of one shard, (C) double. The GPU has a kernel that gives 1 /
// sqrt(var + eps), from which the squares follow.
std::tuple<at::Tensor, at::Tensor> local_moments(const at::Tensor& x, double eps) {
  const int64_t channels = x.size(1);
  const double count = double(x.numel()) / double(channels);
  if (x.numel() == 0) {
    const at::Tensor zero = at::zeros({channels}, x.options().dtype(at::kDouble));
    return {zero, zero};
  }
  if (x.is_cuda()) {
    const auto [mean, invstd] = at::batch_norm_stats(x, eps);
    const at::Tensor var = (invstd.to(at::kDouble).pow(-2) - eps).clamp_min(0);
    return {mean.to(at::kDouble), var * count};
  }
  const at::Tensor values = x.to(acc_type(x));
  const at::Tensor mean = values.mean({0, 2, 3}, false, at::kDouble);
  const at::Tensor deviations = values - per_channel(mean.to(values.scalar_type()));
  return {mean, deviations.square().sum({0, 2, 3}, false, at::kDouble)};
}

// f(rows of x that belong to the shard) for each local shard, as rows (shards, ...), with rows of
// zeros up to the most shards that a rank has.
template <class F>
at::Tensor per_shard(const BatchNormCall& call, F f) {
  std::vector<at::Tensor> rows;
  int64_t begin = 0;
  for (const int64_t size : call.shard_sizes) {
    rows.push_back(f(begin, size));
    begin += size;
  }
  while (int64_t(rows.size()) < rows_per_rank(call)) rows.push_back(at::zeros_like(rows[0]));
  return at::stack(rows);
}

Statistics statistics(const at::Tensor& x, const BatchNormCall& call) {
  const int64_t channels = x.size(1);
  const at::Tensor mine = per_shard(call, [&](int64_t begin, int64_t size) {
    const at::Tensor images = x.narrow(0, begin, size);
    const auto [mean, squares] = local_moments(images, call.eps);
    const double count = double(images.numel()) / double(channels);
    return at::cat({at::full({1}, count, mean.options()), mean, squares});
  });
  const at::Tensor all = gather_rows(mine, call);
  const auto parts = all.split_with_sizes({1, channels, channels}, 1);
  Statistics result;
  result.count = parts[0].sum();
  // At least one, so that without any value the result is zero and not 0 / 0.
  const at::Tensor total = result.count.clamp_min(1);
  result.mean = (parts[0] * parts[1]).sum(0) / total;
  result.var = (parts[2] + parts[0] * (parts[1] - result.mean).square()).sum(0) / total;
  return result;
}

void move_running_statistics(const BatchNormCall& call, const Statistics& s) {
  const at::Tensor& total = s.count;
  // Neither a division by zero nor a step where no rank has a value; no wait for the GPU either.
  const at::Tensor step = call.momentum * (total > 0).to(at::kDouble);
  const at::Tensor unbiased = s.var * (total / (total - 1).clamp_min(1));
  const auto move = [&](const at::Tensor& running, const at::Tensor& value) {
    const at::Tensor before = running.to(at::kDouble);
    running.copy_(before + step * (value - before));
  };
  move(call.running_mean, s.mean);
  move(call.running_var, unbiased);
}

// Gives its result in the accumulation type, so that it is rounded once, after all that follows.
struct GenericBatchNorm : torch::autograd::Function<GenericBatchNorm> {
  static at::Tensor forward(AutogradContext* ctx,
                            const at::Tensor& x,
                            const at::Tensor& weight,
                            const at::Tensor& bias,
                            const BatchNormCall* call) {
    const at::ScalarType type = acc_type(x);
    Statistics s;
    if (call->training) {
      s = statistics(x, *call);
      if (x.is_cpu()) check_count(s.count.item<double>());
      move_running_statistics(*call, s);
    } else {
      s.mean = call->running_mean.to(at::kDouble);
      s.var = call->running_var.to(at::kDouble);
      s.count = at::ones({}, s.mean.options());
    }
    const at::Tensor mean = s.mean.to(type);
    const at::Tensor invstd = (s.var + call->eps).rsqrt().to(type);
    // With leaves for each shard (the deterministic world) all of their rows are equal.
    const at::Tensor one_weight = weight.dim() == 2 ? weight[0] : weight;
    const at::Tensor one_bias = bias.dim() == 2 ? bias[0] : bias;
    ctx->save_for_backward({x, one_weight, mean, invstd, s.count});
    save_call(*ctx, *call);
    const at::Tensor scale = invstd * one_weight.to(type);
    const at::Tensor y =
        (x.to(type) - per_channel(mean)) * per_channel(scale) + per_channel(one_bias.to(type));
    return y.contiguous(x.suggest_memory_format());
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &invstd = saved[3];
    const at::ScalarType type = acc_type(x);
    const at::Tensor dy = gradients[0].to(type);
    const at::Tensor centred = x.to(type) - per_channel(mean);
    const BatchNormCall call = saved_call(*ctx);
    const at::Tensor products = dy * centred;
    const at::Tensor rows = per_shard(call, [&](int64_t begin, int64_t size) {
      const auto sum = [&](const at::Tensor& t) {
        return t.narrow(0, begin, size).sum({0, 2, 3}, false, at::kDouble);
      };
      return at::stack({sum(dy), sum(products)});
    });
    // (shards, 2, C); the gradients of weight and bias stay those of each shard.
    const at::Tensor local = rows.narrow(0, 0, int64_t(call.shard_sizes.size()));
    at::Tensor grad_weight = (local.select(1, 1) * invstd).to(weight.scalar_type());
    at::Tensor grad_bias = local.select(1, 0).to(weight.scalar_type());
    if (call.virtual_world == 0) {
      grad_weight = grad_weight[0];
      grad_bias = grad_bias[0];
    }
    at::Tensor dx = dy;
    if (call.training) {
      at::Tensor sums = rows[0];
      if (call.virtual_world > 0) {
        sums = gather_rows(rows, call).sum(0);
      } else if (call.group.has_value()) {
        sums = sums.clone();
        call.group->all_reduce_sum(sums);
      }
      const at::Tensor means = sums / saved[4].clamp_min(1);
      const at::Tensor slope = means[1] * invstd.to(at::kDouble).square();
      dx = dy - per_channel(means[0].to(type)) - centred * per_channel(slope.to(type));
    }
    dx = (dx * per_channel(invstd * weight.to(type))).to(x.scalar_type());
    return {dx, grad_weight, grad_bias, at::Tensor()};
  }
};

}  // namespace

at::Tensor generic_batch_norm(const at::Tensor& x,
                              const at::Tensor& weight,
                              const at::Tensor& bias,
                              const at::Tensor& residual,
                              const BatchNormCall& call) {
  at::Tensor y;
  if (x.is_cuda() && !call.group.has_value() && call.virtual_world == 0) {  // cuDNN's kernels
    y = at::batch_norm(x,
                       weight,
                       bias,
                       call.running_mean,
                       call.running_var,
                       call.training,
                       call.momentum,
                       call.eps,
                       /*cudnn_enabled=*/true);
  } else {
    y = GenericBatchNorm::apply(x, weight, bias, &call);
  }
  if (residual.defined()) y = y + residual;
  if (call.relu) y = at::relu(y);
  return y.to(x.scalar_type());
}

}  // namespace dtrain::nn::detail
