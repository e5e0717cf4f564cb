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

// a: mean, b: sum of squared deviations, over the local batch.
template <class T>
Sums local_statistics(const Matrix<T>& x) {
  Sums result(x.channels);
  if (x.rows == 0) return result;
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
  return result;
}

// Over the batches of all ranks, merged in rank order, so that all get the same bits.
Sums merge_ranks(const Sums& mine, const dist::ProcessGroup& group) {
  const std::vector<at::Tensor> all = group.all_gather(mine.tensor);
  Sums whole(mine.channels);
  const int64_t channels = mine.channels;
  for (const at::Tensor& rank : all) whole.count() += *rank.data_ptr<double>();
  if (whole.count() == 0) return whole;
  for (const at::Tensor& rank : all) {
    const double* part = rank.data_ptr<double>();
    const double share = part[0] / whole.count();
    for (int64_t c = 0; c < channels; ++c) whole.a()[c] += share * part[1 + c];
  }
  for (const at::Tensor& rank : all) {
    const double* part = rank.data_ptr<double>();
    if (part[0] == 0) continue;
    for (int64_t c = 0; c < channels; ++c) {
      const double delta = part[1 + c] - whole.a()[c];
      whole.b()[c] += part[1 + channels + c] + part[0] * delta * delta;
    }
  }
  return whole;
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
  const int64_t channels = weight.size(0);
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
    Sums whole = local_statistics(in);
    if (call.group.has_value()) whole = merge_ranks(whole, *call.group);
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
  bool training;
  double count;
  std::optional<dist::ProcessGroup> group;
};

// a: sum of the gradient that the ReLU let through, b: the same times (x - mean); local batch.
template <class T>
Sums local_backward_sums(const Saved& saved, const at::Tensor& dy, const at::Tensor& masked) {
  const Matrix<T> in(saved.x);
  Sums result(in.channels);
  if (in.rows == 0) return result;
  const int64_t stride = 4 * in.channels;
  const at::Tensor parts = at::empty({in.strips.size(), stride}, acc_type<T>());
  auto* part = data_of<Acc<T>>(parts);
  const auto* mean = data_of<Acc<T>>(saved.constants);
  const auto& kernel = kernels::best_kernels<T>();
  const T *gradient = data_of<T>(dy), *y = data_of<T>(saved.output);
  T* through = data_of<T>(masked);
  const bool output = saved.mask == Mask::kFromOutput;
  in.strips.for_each([&](int64_t i, int64_t begin, int64_t rows) {
    const int64_t at = begin * in.channels;
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
  return result;
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
  for (int64_t c = 0; saved.training && saved.count > 0 && c < channels; ++c) {
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
  Sums sums = local_backward_sums<T>(saved, dy, through);
  if (mask == Mask::kFromOutput) mask = Mask::kNone;  // `through` holds the masked gradient now

  const int64_t channels = sums.channels;
  gradients.weight = at::empty({channels}, acc_type<T>());
  gradients.bias = at::empty({channels}, acc_type<T>());
  const auto* invstd = data_of<Acc<T>>(saved.constants) + 2 * channels;
  for (int64_t c = 0; c < channels; ++c) {
    data_of<Acc<T>>(gradients.weight)[c] = Acc<T>(sums.b()[c] * double(invstd[c]));
    data_of<Acc<T>>(gradients.bias)[c] = Acc<T>(sums.a()[c]);
  }
  // The gradients above stay local: the gradient reducer takes their mean like that of all others.
  if (saved.group.has_value() && saved.training) saved.group->all_reduce_sum(sums.tensor);
  if (need_x) gradients.x = input_gradient<T>(saved, through, mask, sums);
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
    ctx->saved_data["training"] = call->training;
    ctx->saved_data["count"] = result.count;
    ctx->saved_data["residual"] = residual.defined();
    ctx->saved_data["group"] = hold(call->group);
    return result.output;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list tensors = ctx->get_saved_variables();
    Saved saved{.x = tensors[0],
                .output = tensors[1],
                .constants = tensors[2],
                .bias = tensors[3],
                .mask = Mask(ctx->saved_data["mask"].toInt()),
                .training = ctx->saved_data["training"].toBool(),
                .count = ctx->saved_data["count"].toDouble(),
                .group = held(ctx->saved_data["group"])};
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
