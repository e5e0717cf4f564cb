// Batch norm, residual and ReLU through own kernels, for channels-last tensors on the CPU.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <vector>

#include "nn/batch_norm_function.h"
#include "nn/batch_norm_kernels.h"
#include "nn/batch_norm_strips.h"
#include "util/check.h"

namespace dtrain::nn::detail {
namespace {

using kernels::Mask;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// f(images of shard s, s) for each local shard.
template <class F>
void for_each_shard(const std::vector<int64_t>& sizes, F f) {
  int64_t begin = 0;
  for (size_t s = 0; s < sizes.size(); begin += sizes[s++]) f(begin, sizes[s], int64_t(s));
}

// a: mean, b: sum of squared deviations, over one shard of the local batch.
template <class T>
void take_statistics(const at::Tensor& images, Sums result) {
  const Matrix<T> x(images);
  if (x.rows == 0) return;
  const auto& kernel = kernels::best_kernels<T>();
  const int64_t stride = 6 * x.channels;
  const at::Tensor parts = at::empty({x.strips.size(), stride}, acc_type<T>());
  auto* bases = data_of<Acc<T>>(parts);
  auto *offsets = bases + x.channels, *squares = offsets + x.channels;
  x.strips.for_each([&](int64_t i, int64_t begin, int64_t rows) {
    const int64_t at = i * stride;
    kernel.statistics(x.data + begin * x.channels,
                      rows,
                      x.channels,
                      bases + at,
                      offsets + at,
                      squares + at,
                      squares + at + x.channels);
  });
  result.count() = double(x.rows);
  kernel.merge_statistics(bases,
                          offsets,
                          squares,
                          stride,
                          x.strips.counts.data(),
                          x.strips.size(),
                          x.channels,
                          result.a(),
                          result.b());
}

// Rows of Sums for the local shards, to be gathered.
at::Tensor rows_of_sums(const BatchNormCall& call, int64_t channels) {
  return at::zeros({rows_per_rank(call), 1 + 2 * channels}, at::kDouble);
}

// Statistics over all rows, merged in their order, so that all ranks get the same bits.
Sums merge_statistics(const at::Tensor& rows, int64_t channels) {
  Sums whole(channels);
  const int64_t width = rows.size(1);
  const double* const begin = rows.const_data_ptr<double>();
  const double* const end = begin + rows.numel();
  for (const double* part = begin; part < end; part += width) whole.count() += part[0];
  if (whole.count() == 0) return whole;
  for (const double* part = begin; part < end; part += width) {
    if (part[0] == 0) continue;
    const double share = part[0] / whole.count();
    for (int64_t c = 0; c < channels; ++c) whole.a()[c] += share * part[1 + c];
  }
  for (const double* part = begin; part < end; part += width) {
    if (part[0] == 0) continue;
    for (int64_t c = 0; c < channels; ++c) {
      const double delta = part[1 + c] - whole.a()[c];
      whole.b()[c] += part[1 + channels + c] + part[0] * delta * delta;
    }
  }
  return whole;
}

template <class T>
Sums batch_statistics(const at::Tensor& x, const BatchNormCall& call) {
  const at::Tensor rows = rows_of_sums(call, x.size(1));
  for_each_shard(call.shard_sizes, [&](int64_t begin, int64_t size, int64_t shard) {
    take_statistics<T>(x.narrow(0, begin, size), Sums(rows[shard]));
  });
  if (!call.group.has_value() && rows.size(0) == 1) return Sums(rows[0]);
  return merge_statistics(gather_rows(rows, call), x.size(1));
}

template <class T>
void move_running_statistics(const BatchNormCall& call, Sums& whole) {
  auto* mean = data_of<Acc<T>>(call.running_mean);
  auto* var = data_of<Acc<T>>(call.running_var);
  const double unbias = 1 / (whole.count() - 1);
  for (int64_t c = 0; c < whole.channels; ++c) {
    mean[c] = Acc<T>(mean[c] + call.momentum * (whole.a()[c] - mean[c]));
    var[c] = Acc<T>(var[c] + call.momentum * (whole.b()[c] * unbias - var[c]));
  }
}

// Per channel: mean, scale = weight / sqrt(var + eps), 1 / sqrt(var + eps); as the kernels take
// them.
template <class T>
at::Tensor make_constants(const BatchNormCall& call, const at::Tensor& weight, Sums* whole) {
  const int64_t channels = weight.size(-1);
  at::Tensor constants = at::empty({3, channels}, acc_type<T>());
  auto* mean = data_of<Acc<T>>(constants);
  auto *scale = mean + channels, *invstd = scale + channels;
  const auto* w = data_of<Acc<T>>(weight);
  const auto* running_mean = data_of<Acc<T>>(call.running_mean);
  const auto* running_var = data_of<Acc<T>>(call.running_var);
  for (int64_t c = 0; c < channels; ++c) {
    const double var = whole != nullptr ? whole->b()[c] / whole->count() : double(running_var[c]);
    const double inverse = 1 / std::sqrt(var + call.eps);
    mean[c] = whole != nullptr ? Acc<T>(whole->a()[c]) : running_mean[c];
    scale[c] = Acc<T>(inverse * double(w[c]));
    invstd[c] = Acc<T>(inverse);
  }
  return constants;
}

struct Forward {
  at::Tensor output, constants;
  double count = 0;
};

template <class T>
Forward run_forward(const at::Tensor& x,
                    const at::Tensor& weight,
                    const at::Tensor& bias,
                    const at::Tensor& residual,
                    const BatchNormCall& call) {
  const Matrix<T> in(x);
  Forward result;
  result.output = at::empty_like(x);
  if (call.training) {
    Sums whole = batch_statistics<T>(x, call);
    result.count = whole.count();
    check_count(result.count);
    if (result.count == 0) whole.count() = 1;  // no rank has a value: nothing is normalised
    if (result.count > 0) move_running_statistics<T>(call, whole);
    result.constants = make_constants<T>(call, weight, &whole);
  } else {
    result.constants = make_constants<T>(call, weight, nullptr);
  }
  const auto* mean = data_of<Acc<T>>(result.constants);
  const T* add = data_of<T>(residual);
  T* out = data_of<T>(result.output);
  const auto& kernel = kernels::best_kernels<T>();
  in.strips.for_each([&](int64_t, int64_t begin, int64_t rows) {
    const int64_t at = begin * in.channels;
    kernel.normalise(in.data + at,
                     add != nullptr ? add + at : nullptr,
                     call.relu,
                     out + at,
                     rows,
                     in.channels,
                     mean,
                     mean + in.channels,
                     data_of<Acc<T>>(bias));
  });
  return result;
}

struct Backward {
  at::Tensor x, weight, bias, residual;  // gradients
};

struct Saved {
  at::Tensor x, output, constants, bias;
  Mask mask;
  double count;
  BatchNormCall call;  // without running statistics
};

// a: sum of the gradient that the ReLU let through, b: the same times (x - mean); over one shard.
template <class T>
void take_backward_sums(const Saved& saved,
                        const at::Tensor& dy,
                        const at::Tensor& masked,
                        int64_t begin,
                        int64_t size,
                        Sums result) {
  const Matrix<T> in(saved.x.narrow(0, begin, size));
  if (in.rows == 0) return;
  const int64_t stride = 4 * in.channels;
  const at::Tensor parts = at::empty({in.strips.size(), stride}, acc_type<T>());
  auto* part = data_of<Acc<T>>(parts);
  const auto* mean = data_of<Acc<T>>(saved.constants);
  const auto& kernel = kernels::best_kernels<T>();
  const bool output = saved.mask == Mask::kFromOutput;
  const auto rows_of = [&](const at::Tensor& t) { return data_of<T>(t.narrow(0, begin, size)); };
  const T* gradient = rows_of(dy);
  const T* y = output ? rows_of(saved.output) : nullptr;
  T* through = output ? rows_of(masked) : nullptr;
  in.strips.for_each([&](int64_t i, int64_t first, int64_t rows) {
    const int64_t at = first * in.channels;
    Acc<T>* sum = part + i * stride;
    kernel.backward_sums(saved.mask,
                         gradient + at,
                         in.data + at,
                         output ? y + at : nullptr,
                         output ? through + at : nullptr,
                         rows,
                         in.channels,
                         mean,
                         mean + in.channels,
                         data_of<Acc<T>>(saved.bias),
                         sum,
                         sum + in.channels,
                         sum + 2 * in.channels);
  });
  kernel.merge_sums(part, stride, in.strips.size(), in.channels, result.a());
  kernel.merge_sums(part + in.channels, stride, in.strips.size(), in.channels, result.b());
}

// The sums of all shards of all ranks, from those of this rank.
Sums add_up(const at::Tensor& mine, const BatchNormCall& call) {
  Sums whole(at::zeros({mine.size(1)}, at::kDouble));
  if (call.virtual_world == 0) {
    whole.tensor.copy_(mine[0]);
    if (call.group.has_value()) call.group->all_reduce_sum(whole.tensor);
    return whole;
  }
  const at::Tensor rows = gather_rows(mine, call);
  for (int64_t i = 0; i < rows.size(0); ++i) whole.tensor.add_(rows[i]);
  return whole;
}

// dx = scale * (g - mean(g) - (x - mean) * invstd^2 * mean(g * (x - mean))), means over all ranks;
// in evaluation the statistics are constants and only the first term is left.
template <class T>
at::Tensor input_gradient(const Saved& saved, const at::Tensor& dy, Mask mask, Sums& whole) {
  const Matrix<T> in(saved.x);
  const int64_t channels = in.channels;
  const auto* mean = data_of<Acc<T>>(saved.constants);
  const auto *scale = mean + channels, *invstd = scale + channels;
  std::vector<Acc<T>> slope(size_t(channels), 0), offset(size_t(channels), 0);
  for (int64_t c = 0; saved.call.training && saved.count > 0 && c < channels; ++c) {
    const double per_value = -double(scale[c]) / saved.count;
    const double inverse = invstd[c];
    slope[size_t(c)] = Acc<T>(per_value * inverse * inverse * whole.b()[c]);
    offset[size_t(c)] = Acc<T>(per_value * whole.a()[c]);
  }
  at::Tensor dx = at::empty_like(saved.x);
  const T* gradient = data_of<T>(dy);
  T* out = data_of<T>(dx);
  const auto& kernel = kernels::best_kernels<T>();
  in.strips.for_each([&](int64_t, int64_t begin, int64_t rows) {
    const int64_t at = begin * channels;
    kernel.backward_input(mask,
                          gradient + at,
                          in.data + at,
                          out + at,
                          rows,
                          channels,
                          mean,
                          scale,
                          data_of<Acc<T>>(saved.bias),
                          slope.data(),
                          offset.data());
  });
  return dx;
}

template <class T>
Backward run_backward(const Saved& saved, const at::Tensor& dy, bool need_x, bool has_residual) {
  Backward gradients;
  at::Tensor through = dy;
  Mask mask = saved.mask;
  if (mask == Mask::kFromOutput) through = at::empty_like(saved.x);
  const int64_t channels = saved.x.size(1);
  const at::Tensor rows = rows_of_sums(saved.call, channels);
  for_each_shard(saved.call.shard_sizes, [&](int64_t begin, int64_t size, int64_t shard) {
    take_backward_sums<T>(saved, dy, through, begin, size, Sums(rows[shard]));
  });
  if (mask == Mask::kFromOutput) mask = Mask::kNone;  // `through` holds the masked gradient now

  // The gradients of weight and bias stay local, each shard's its own: whoever reduces gradients
  // adds them like those of all other parameters.
  const auto shards = int64_t(saved.call.shard_sizes.size());
  gradients.weight = at::empty({shards, channels}, acc_type<T>());
  gradients.bias = at::empty({shards, channels}, acc_type<T>());
  const auto* invstd = data_of<Acc<T>>(saved.constants) + 2 * channels;
  for (int64_t shard = 0; shard < shards; ++shard) {
    Sums sums(rows[shard]);
    const int64_t at = shard * channels;
    for (int64_t c = 0; c < channels; ++c) {
      data_of<Acc<T>>(gradients.weight)[at + c] = Acc<T>(sums.b()[c] * double(invstd[c]));
      data_of<Acc<T>>(gradients.bias)[at + c] = Acc<T>(sums.a()[c]);
    }
  }
  if (saved.call.virtual_world == 0) {
    gradients.weight = gradients.weight[0];
    gradients.bias = gradients.bias[0];
  }
  Sums whole(channels);
  if (saved.call.training) whole = add_up(rows, saved.call);
  if (need_x) gradients.x = input_gradient<T>(saved, through, mask, whole);
  if (has_residual) gradients.residual = through;
  return gradients;
}

// Calls f with a null pointer of the kernels' type for the dtype.
template <class F>
auto for_type(at::ScalarType type, F f) {
  switch (type) {
    case at::kBFloat16:
      return f(static_cast<kernels::Bf16*>(nullptr));
    case at::kFloat:
      return f(static_cast<float*>(nullptr));
    default:
      return f(static_cast<double*>(nullptr));
  }
}

struct FusedBatchNorm : torch::autograd::Function<FusedBatchNorm> {
  static at::Tensor forward(AutogradContext* ctx,
                            const at::Tensor& x,
                            const at::Tensor& weight,
                            const at::Tensor& bias,
                            const std::optional<at::Tensor>& add,
                            const BatchNormCall* call) {
    const at::Tensor residual = add.value_or(at::Tensor());
    const Forward result = for_type(x.scalar_type(), [&](auto* type) {
      return run_forward<std::remove_pointer_t<decltype(type)>>(x, weight, bias, residual, *call);
    });
    const Mask mask = !call->relu          ? Mask::kNone
                      : residual.defined() ? Mask::kFromOutput
                                           : Mask::kFromInput;
    ctx->save_for_backward(
        {x, mask == Mask::kFromOutput ? result.output : at::Tensor(), result.constants, bias});
    ctx->saved_data["mask"] = int64_t(mask);
    ctx->saved_data["count"] = result.count;
    ctx->saved_data["residual"] = residual.defined();
    save_call(*ctx, *call);
    return result.output;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list tensors = ctx->get_saved_variables();
    Saved saved{.x = tensors[0],
                .output = tensors[1],
                .constants = tensors[2],
                .bias = tensors[3],
                .mask = Mask(ctx->saved_data["mask"].toInt()),
                .count = ctx->saved_data["count"].toDouble(),
                .call = saved_call(*ctx)};
    const at::Tensor dy =
        gradients[0].to(saved.x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const bool has_residual = ctx->saved_data["residual"].toBool() && ctx->needs_input_grad(3);
    const Backward result = for_type(saved.x.scalar_type(), [&](auto* type) {
      return run_backward<std::remove_pointer_t<decltype(type)>>(
          saved, dy, ctx->needs_input_grad(0), has_residual);
    });
    return {result.x, result.weight, result.bias, result.residual, at::Tensor()};
  }
};

}  // namespace

bool has_fused_batch_norm(const at::Tensor& x,
                          const at::Tensor& weight,
                          const at::Tensor& residual) {
  const at::ScalarType type = x.scalar_type();
  if (!x.is_cpu() || x.layout() != at::kStrided) return false;
  if (type != at::kBFloat16 && type != at::kFloat && type != at::kDouble) return false;
  if (weight.scalar_type() != (type == at::kDouble ? at::kDouble : at::kFloat)) return false;
  if (!x.is_contiguous(at::MemoryFormat::ChannelsLast)) return false;
  return !residual.defined() || (residual.scalar_type() == type && residual.sizes() == x.sizes());
}

at::Tensor fused_batch_norm(const at::Tensor& x,
                            const at::Tensor& weight,
                            const at::Tensor& bias,
                            const at::Tensor& residual,
                            const BatchNormCall& call) {
  // Not an undefined tensor: autograd asks every tensor it is given for its device.
  std::optional<at::Tensor> add;
  if (residual.defined()) add = residual.contiguous(at::MemoryFormat::ChannelsLast);
  return FusedBatchNorm::apply(x, weight, bias, add, &call);
}

}  // namespace dtrain::nn::detail
