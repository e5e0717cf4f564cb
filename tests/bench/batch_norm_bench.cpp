// Batch norm + ReLU and batch norm + residual + ReLU, forward and backward: ours against the
// sequence of ATen operators a model without fused kernels would run. bf16, channels-last, shapes
// of ResNet-18 on 28 x 28 images with a batch of 128.
//
//   OMP_NUM_THREADS=1 build/tests/bench/batch_norm_bench --benchmark_repetitions=5
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include <vector>

#include "nn/batch_norm.h"

namespace dtrain {
namespace {

constexpr int64_t kBatch = 128;

at::Tensor images(int64_t channels, int64_t side) {
  return at::randn({kBatch, channels, side, side})
      .to(at::kBFloat16)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

struct Setup {
  Setup(const benchmark::State& state)
      : channels(state.range(0)),
        side(state.range(1)),
        has_residual(state.range(2) != 0),
        x(images(channels, side).requires_grad_()),
        residual(has_residual ? images(channels, side).requires_grad_() : at::Tensor()),
        dy(images(channels, side)),
        norm(channels) {}
  at::Tensor ours() { return norm.forward_add_relu(x, residual, true); }
  at::Tensor aten() {
    at::Tensor y = at::batch_norm(
        x, norm.weight, norm.bias, norm.running_mean, norm.running_var, true, 0.1, 1e-5, false);
    if (has_residual) y.add_(residual);
    return y.relu_();
  }
  void backward(const at::Tensor& y) {
    y.backward(dy);
    x.mutable_grad().reset();
    if (has_residual) residual.mutable_grad().reset();
    norm.weight.mutable_grad().reset();
    norm.bias.mutable_grad().reset();
  }
  int64_t channels, side;
  bool has_residual;
  at::Tensor x, residual, dy;
  nn::BatchNorm2dImpl norm;
};

template <at::Tensor (Setup::*kRun)()>
void forward(benchmark::State& state) {
  Setup setup(state);
  at::NoGradGuard no_grad;
  for (auto _ : state) benchmark::DoNotOptimize((setup.*kRun)());
}

template <at::Tensor (Setup::*kRun)()>
void forward_backward(benchmark::State& state) {
  Setup setup(state);
  for (auto _ : state) setup.backward((setup.*kRun)());
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"channels", "side", "residual"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const auto& [channels, side] :
       std::vector<std::pair<int64_t, int64_t>>{{64, 28}, {128, 14}, {256, 7}, {512, 4}}) {
    for (const int64_t residual : {0, 1}) b->Args({channels, side, residual});
  }
}

BENCHMARK(forward<&Setup::aten>)->Apply(shapes);
BENCHMARK(forward<&Setup::ours>)->Apply(shapes);
BENCHMARK(forward_backward<&Setup::aten>)->Apply(shapes);
BENCHMARK(forward_backward<&Setup::ours>)->Apply(shapes);

}  // namespace
}  // namespace dtrain

BENCHMARK_MAIN();
