// LibTorch has these five operators for GPUs only. Here they are registered for the CPU too,
// written after LibTorch's kernels (Normalization.cuh) with what those demand of their arguments as
// checks, so that all around them runs as it does on a GPU; tests/gpu/check.py compares the real
// ones.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/library.h>

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "nn/batch_norm_function.h"
#include "tests/support/rank_threads.h"

namespace dtrain::nn::native_test {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

at::Tensor spread(const at::Tensor& values) { return values.view({1, -1, 1, 1}); }

// The type that the GPU's kernels keep statistics of x in.
at::ScalarType statistics_type(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

std::tuple<at::Tensor, at::Tensor> stats_on_cpu(const at::Tensor& x, double eps) {
  TORCH_CHECK(x.numel() > 0, "the kernel divides by the number of values");
  const at::Tensor wide = x.to(at::kDouble);
  const at::Tensor var = wide.var({0, 2, 3}, /*unbiased=*/false);
  return {wide.mean({0, 2, 3}).to(statistics_type(x)), (var + eps).rsqrt().to(statistics_type(x))};
}

template <class T>
std::tuple<at::Tensor, at::Tensor> gather_in(const at::Tensor& means,
                                             const at::Tensor& invstds,
                                             at::Tensor running_mean,
                                             at::Tensor running_var,
                                             T momentum,
                                             T epsilon,
                                             const at::Tensor& counts) {
  const auto m = means.accessor<T, 2>(), s = invstds.accessor<T, 2>();
  const auto c = counts.accessor<T, 1>();
  const at::Tensor mean = at::empty({means.size(1)}, means.options()),
                   invstd = at::empty_like(mean);
  for (int64_t i = 0; i < means.size(1); ++i) {
    T average = 0, squares = 0;
    int n = 0;  // a whole number in LibTorch's kernel too
    for (int64_t j = 0; j < means.size(0); ++j) {
      const T count = c[j];
      T v = T(1) / s[j][i];
      v = (v * v - epsilon) * count;
      const T factor = T(1.0 / (n + count));
      squares += v + (average - m[j][i]) * (average - m[j][i]) * n * count * factor;
      average = n * factor * average + count * factor * m[j][i];
      n = int(T(n) + count);
    }
    mean[i] = average;
    invstd[i] = T(1) / std::sqrt(squares / n + epsilon);
    running_mean[i] = (1 - momentum) * running_mean[i].item<T>() + momentum * average;
    running_var[i] = (1 - momentum) * running_var[i].item<T>() + momentum * squares / (n - 1);
  }
  return {mean, invstd};
}

std::tuple<at::Tensor, at::Tensor> gather_on_cpu(const at::Tensor& x,
                                                 const at::Tensor& means,
                                                 const at::Tensor& invstds,
                                                 const OptionalTensor& running_mean,
                                                 const OptionalTensor& running_var,
                                                 double momentum,
                                                 double eps,
                                                 const at::Tensor& counts) {
  const at::ScalarType type = statistics_type(x);
  TORCH_CHECK(means.scalar_type() == type && invstds.scalar_type() == type &&
                  counts.scalar_type() == type && running_mean->scalar_type() == type,
              "the kernel reads all of them as one type");
  return type == at::kDouble
             ? gather_in<double>(means, invstds, *running_mean, *running_var, momentum, eps, counts)
             : gather_in<float>(means,
                                invstds,
                                *running_mean,
                                *running_var,
                                float(momentum),
                                float(eps),
                                counts);
}

at::Tensor elemt_on_cpu(const at::Tensor& x,
                        const OptionalTensor& weight,
                        const OptionalTensor& bias,
                        const at::Tensor& mean,
                        const at::Tensor& invstd,
                        double) {
  const at::Tensor y = (x.to(mean.scalar_type()) - spread(mean)) * spread(invstd * *weight);
  return (y + spread(*bias)).to(x.scalar_type());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> reduce_on_cpu(
    const at::Tensor& dy,
    const at::Tensor& x,
    const at::Tensor& mean,
    const at::Tensor& invstd,
    const OptionalTensor& weight,
    bool,
    bool,
    bool) {
  TORCH_CHECK(dy.strides() == x.strides(), "other orders have no fast kernel");
  const at::Tensor wide = dy.to(at::kDouble);
  const at::Tensor sum = wide.sum({0, 2, 3}).to(mean.scalar_type());
  const at::Tensor products = wide * (x.to(at::kDouble) - spread(mean.to(at::kDouble)));
  const at::Tensor centred = products.sum({0, 2, 3}).to(mean.scalar_type());
  return {
      sum, centred, (centred * invstd).to(weight->scalar_type()), sum.to(weight->scalar_type())};
}

at::Tensor backward_elemt_on_cpu(const at::Tensor& dy,
                                 const at::Tensor& x,
                                 const at::Tensor& mean,
                                 const at::Tensor& invstd,
                                 const OptionalTensor& weight,
                                 const at::Tensor& sum_dy,
                                 const at::Tensor& sum_dy_xmu,
                                 const at::Tensor& count) {
  TORCH_CHECK(count.scalar_type() == at::kInt && count.is_contiguous(), "the kernel reads ints");
  const auto total = double(count.sum().item<int64_t>());
  const at::Tensor centred = x.to(mean.scalar_type()) - spread(mean);
  const at::Tensor slope = sum_dy_xmu / total * invstd.square();
  const at::Tensor dx =
      dy.to(mean.scalar_type()) - spread(sum_dy / total) - centred * spread(slope);
  return (dx * spread(invstd * *weight)).to(x.scalar_type());
}

TORCH_LIBRARY_IMPL(aten, CPU, library) {
  library.impl("batch_norm_stats", stats_on_cpu);
  library.impl("batch_norm_gather_stats_with_counts", gather_on_cpu);
  library.impl("batch_norm_elemt", elemt_on_cpu);
  library.impl("batch_norm_backward_reduce", reduce_on_cpu);
  library.impl("batch_norm_backward_elemt", backward_elemt_on_cpu);
}

constexpr int64_t kChannels = 6;

at::Tensor draw(at::IntArrayRef shape, uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kDouble);
}

struct Outcome {
  at::Tensor y, dx, dresidual, dweight, dbias, running_mean, running_var;
};

struct Inputs {
  Inputs(int64_t batch, at::ScalarType type)
      : x((draw({batch, kChannels, 3, 5}, 1) * 2 + 3).to(type)),
        residual(draw({batch, kChannels, 3, 5}, 2).to(type)),
        dy((draw({batch, kChannels, 3, 5}, 3) + 0.3).to(type)) {}
  at::Tensor x, residual, dy;
};

// One step on the images first .. first + count; in double by ATen's own batch norm without a
// group.
Outcome step(const Inputs& in,
             int64_t first,
             int64_t count,
             at::MemoryFormat format,
             bool relu,
             const std::optional<dist::ProcessGroup>& group) {
  const auto type = group ? in.x.scalar_type() : at::kDouble;
  const auto stored = type == at::kDouble ? at::kDouble : at::kFloat;
  const auto part = [&](const at::Tensor& all) {
    return all.narrow(0, first, count).to(type).contiguous(format).clone();
  };
  // The weights as float holds them, on both sides.
  const auto parameter = [&](uint64_t seed) {
    return draw({kChannels}, seed).to(at::kFloat).to(stored).requires_grad_();
  };
  const at::Tensor x = part(in.x).requires_grad_(), residual = part(in.residual).requires_grad_();
  const at::Tensor weight = parameter(4), bias = parameter(5);
  detail::BatchNormCall call{.running_mean = at::full({kChannels}, 0.5, stored),
                             .running_var = at::full({kChannels}, 2, stored),
                             .training = true,
                             .relu = relu,
                             .momentum = 0.1,
                             .eps = 1e-5,
                             .group = group,
                             .shard_sizes = {count},
                             .virtual_world = 0};
  at::Tensor y;
  if (group) {
    y = detail::native_batch_norm(x, weight, bias, residual, call);
  } else {
    y = residual + at::batch_norm(x,
                                  weight,
                                  bias,
                                  call.running_mean,
                                  call.running_var,
                                  true,
                                  call.momentum,
                                  call.eps,
                                  /*cudnn_enabled=*/false);
    if (relu) y = at::relu(y);
  }
  y.backward(part(in.dy));
  return {y.detach(),
          x.grad(),
          residual.grad(),
          weight.grad(),
          bias.grad(),
          call.running_mean,
          call.running_var};
}

void expect_close(const at::Tensor& actual,
                  const at::Tensor& expected,
                  double tolerance,
                  const std::string& what) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  if (actual.numel() == 0) return;
  const at::Tensor wide = expected.to(at::kDouble);
  const at::Tensor allowed = tolerance * (wide.abs() + wide.abs().mean());
  EXPECT_LE(((actual.to(at::kDouble) - wide).abs() / allowed).max().item<double>(), 1) << what;
}

// `share[r]` images on rank r, against ATen on all of them in double.
void expect_like_one_process(const std::vector<int64_t>& share,
                             at::ScalarType type,
                             at::MemoryFormat format) {
  int64_t batch = 0;
  for (const int64_t part : share) batch += part;
  const Inputs in(batch, type);
  // Sixteen bits round values to either side of the ReLU's edge, which would move whole gradients.
  const bool relu = type == at::kDouble || type == at::kFloat;
  const Outcome whole = step(in, 0, batch, format, relu, {});
  const double exact = type == at::kDouble ? 1e-12 : 2e-5;
  // Batch norm's output is rounded to sixteen bits, and so is its sum with the residual.
  const double rounded = type == at::kBFloat16 ? 1.0 / 128 : type == at::kHalf ? 1.0 / 1024 : exact;
  testing::on_rank_threads(int64_t(share.size()), [&](const dist::ProcessGroup& group) {
    int64_t first = 0;
    for (int64_t rank = 0; rank < group.rank(); ++rank) first += share[size_t(rank)];
    const int64_t count = share[size_t(group.rank())];
    Outcome mine = step(in, first, count, format, relu, group);
    const std::string name = std::string(c10::toString(type)) + " rank " +
                             std::to_string(group.rank()) + " of " + std::to_string(share.size());
    EXPECT_EQ(mine.y.scalar_type(), type);
    EXPECT_TRUE(mine.dx.is_contiguous(format));
    const auto part = [&](const at::Tensor& all) { return all.narrow(0, first, count); };
    expect_close(mine.y, part(whole.y), rounded, name + " y");
    expect_close(mine.dx, part(whole.dx), rounded, name + " dx");
    expect_close(mine.dresidual, part(whole.dresidual), rounded, name + " dresidual");
    group.all_reduce_sum(mine.dweight);
    group.all_reduce_sum(mine.dbias);
    expect_close(mine.dweight, whole.dweight, exact, name + " dweight");
    expect_close(mine.dbias, whole.dbias, exact, name + " dbias");
    expect_close(mine.running_mean, whole.running_mean, exact, name + " running_mean");
    expect_close(mine.running_var, whole.running_var, exact, name + " running_var");
    for (const at::Tensor& other : group.all_gather(mine.running_var)) {
      EXPECT_TRUE(at::equal(other, mine.running_var)) << "replicas differ";
    }
  });
}

const std::vector<std::vector<int64_t>> kShares = {{2, 2}, {3, 1}, {0, 4}, {4, 0}, {0, 3, 0, 2}};

TEST(NativeBatchNorm, EqualsOneProcessForUnevenAndEmptyBatchesOnAnyRank) {
  for (const auto& share : kShares) {
    for (const auto format : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
      expect_like_one_process(share, at::kDouble, format);
      expect_like_one_process(share, at::kFloat, format);
    }
  }
}

TEST(NativeBatchNorm, KeepsStatisticsOfSixteenBitInputInFloat) {
  for (const auto type : {at::kBFloat16, at::kHalf}) {
    expect_like_one_process({2, 2}, type, at::MemoryFormat::ChannelsLast);
    expect_like_one_process({0, 4}, type, at::MemoryFormat::ChannelsLast);
  }
}

}  // namespace
}  // namespace dtrain::nn::native_test
