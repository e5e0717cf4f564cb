// What the operations between ranks cost here: start, connect, gradients of a ResNet-18 (45 MB in
// fp32, whole and through the reducer), and the small messages of synchronised batch norm.
//
//   mpirun -np 2 build/tests/bench/collectives_bench
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "dist/gradient_reducer.h"
#include "dist/parameter_sync.h"
#include "dist/rendezvous.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Median over the repetitions, in milliseconds, of what takes the same time on all ranks.
double median_ms(int repetitions,
                 const dtrain::dist::ProcessGroup& group,
                 const std::function<void()>& f) {
  std::vector<double> times;
  f();
  for (int i = 0; i < repetitions; ++i) {
    group.barrier();
    const auto start = Clock::now();
    f();
    times.push_back(seconds_since(start) * 1e3);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  using namespace dtrain;
  constexpr int64_t kWeights = 11'700'000;
  const auto start = Clock::now();
  dist::MpiScope mpi(&argc, &argv);
  const double mpi_ms = seconds_since(start) * 1e3;
  const auto connect = Clock::now();
  const dist::ProcessGroup group = dist::rendezvous(mpi, {}, c10::kCPU);
  const double connect_ms = seconds_since(connect) * 1e3;

  at::Tensor weights = at::ones({kWeights});
  const double whole_ms = median_ms(15, group, [&] { group.all_reduce_sum(weights.zero_()); });
  std::vector<at::Tensor> parameters;
  std::vector<std::string> names;
  for (int64_t i = 0; i < 60; ++i) {
    parameters.push_back(at::ones({kWeights / 60}).requires_grad_());
    names.push_back("p" + std::to_string(i));
  }
  dist::GradientReducer reducer(parameters, names, group, {});
  const double reducer_ms = median_ms(15, group, [&] {
    reducer.zero_grad();
    reducer.prepare_forward();
    at::Tensor loss = at::zeros({});
    for (const at::Tensor& parameter : parameters) loss = loss + parameter.sum();
    reducer.backward(loss);
  });
  const double digest_ms = median_ms(15, group, [&] {
    dist::check_replicas_equal({{"weights", weights}}, group);
  });
  at::Tensor statistics = at::ones({2 * 512 + 1}, at::kDouble);
  const double gather_us = 1e3 * median_ms(500, group, [&] { group.all_gather(statistics); });
  const double reduce_us =
      1e3 * median_ms(500, group, [&] { group.all_reduce_sum(statistics.zero_()); });
  if (mpi.rank() == 0) {
    std::printf(
        "ranks %d: MPI %.0f ms, connect %.0f ms, all-reduce 45 MB %.1f ms, through the reducer "
        "%.1f "
        "ms, digest 45 MB %.1f ms, all-gather 8 kB %.0f us, all-reduce 8 kB %.0f us\n",
        mpi.size(),
        mpi_ms,
        connect_ms,
        whole_ms,
        reducer_ms,
        digest_ms,
        gather_us,
        reduce_us);
  }
}
