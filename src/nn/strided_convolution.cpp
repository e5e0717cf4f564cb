#include "nn/strided_convolution.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstring>

namespace dtrain::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool autocasts_to_bfloat16() {
  return at::autocast::is_autocast_enabled(at::kCPU) &&
         at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16;
}

// Note [Small pointwise convolutions]
constexpr int64_t kSmallPointwise = 16;

// The part of x that each value of the output sees, zero outside: (B * OH * OW, K * K * C), a row
// in the order of a channels-last kernel.
at::Tensor patches_of(const at::Tensor& x,
                      int64_t kernel,
                      int64_t stride,
                      int64_t padding,
                      int64_t out_height,
                      int64_t out_width) {
  const int64_t batch = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  const int64_t row_values = kernel * kernel * channels;
  at::Tensor patches = at::empty({batch * out_height * out_width, row_values}, x.options());
  const auto* in = static_cast<const char*>(x.const_data_ptr());
  auto* out = static_cast<char*>(patches.mutable_data_ptr());
  const auto bytes = size_t(channels) * x.element_size();
  at::parallel_for(0, batch * out_height, 16, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      const int64_t image = line / out_height, oy = line % out_height;
      for (int64_t ox = 0; ox < out_width; ++ox) {
        char* to = out + size_t(line * out_width + ox) * size_t(row_values) * x.element_size();
        for (int64_t tap = 0; tap < kernel * kernel; ++tap, to += bytes) {
          const int64_t y = oy * stride - padding + tap / kernel;
          const int64_t column = ox * stride - padding + tap % kernel;
          if (y < 0 || y >= height || column < 0 || column >= width) {
            std::memset(to, 0, bytes);
          } else {
            std::memcpy(to, in + size_t((image * height + y) * width + column) * bytes, bytes);
          }
        }
      }
    }
  });
  return patches;
}

at::Tensor weight_gradient(const at::Tensor& dy,
                           const at::Tensor& x,
                           const at::Tensor& weight,
                           int64_t stride,
                           int64_t padding) {
  const int64_t kernel = weight.size(2), outputs = dy.size(1);
  const at::Tensor rows = dy.permute({0, 2, 3, 1}).reshape({-1, outputs});
  const at::Tensor patches = patches_of(x, kernel, stride, padding, dy.size(2), dy.size(3));
  return at::mm(rows.t(), patches).view({outputs, kernel, kernel, x.size(1)}).permute({0, 3, 1, 2});
}

struct StridedConvolution : torch::autograd::Function<StridedConvolution> {
  static at::Tensor forward(AutogradContext* ctx,
                            const at::Tensor& x,
                            const at::Tensor& weight,
                            int64_t stride,
                            int64_t padding) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["padding"] = padding;
    return at::conv2d(x, weight, {}, stride, padding);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const int64_t stride = ctx->saved_data["stride"].toInt();
    const int64_t padding = ctx->saved_data["padding"].toInt();
    const at::Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    variable_list result(4);
    if (ctx->needs_input_grad(0)) {
      result[0] = std::get<0>(at::convolution_backward(dy,
                                                       x,
                                                       weight,
                                                       /*bias_sizes=*/std::nullopt,
                                                       {stride, stride},
                                                       {padding, padding},
                                                       /*dilation=*/{1, 1},
                                                       /*transposed=*/false,
                                                       /*output_padding=*/{0, 0},
                                                       /*groups=*/1,
                                                       {true, false, false}));
    }
    if (ctx->needs_input_grad(1)) result[1] = weight_gradient(dy, x, weight, stride, padding);
    return result;
  }
};

}  // namespace

bool has_strided_convolution(const at::Tensor& x,
                             const at::Tensor& weight,
                             int64_t stride,
                             int64_t groups) {
  if (!x.is_cpu() || stride == 1 || groups != 1) return false;
  const bool is_pointwise = weight.size(2) == 1;  // Note [Small pointwise convolutions]
  if (!is_pointwise && x.size(1) % 32 != 0) return false;
  if (!x.is_contiguous(at::MemoryFormat::ChannelsLast)) return false;
  if (is_pointwise && x.size(1) < kSmallPointwise && x.scalar_type() == at::kFloat &&
      weight.scalar_type() == at::kFloat) {
    return true;
  }
  const bool both = x.scalar_type() == at::kBFloat16 && weight.scalar_type() == at::kBFloat16;
  const bool cast = x.scalar_type() != at::kDouble && weight.scalar_type() != at::kDouble;
  return both || (cast && autocasts_to_bfloat16());
}

at::Tensor strided_convolution(const at::Tensor& x,
                               const at::Tensor& weight,
                               int64_t stride,
                               int64_t padding) {
  const auto cast = [](const at::Tensor& t) {
    return autocasts_to_bfloat16() ? at::autocast::cached_cast(at::kBFloat16, t, at::kCPU) : t;
  };
  return StridedConvolution::apply(cast(x), cast(weight), stride, padding);
}

}  // namespace dtrain::nn
