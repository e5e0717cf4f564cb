// What a small message between ranks takes once the last rank has come: through shared memory and
// through Gloo, in turns.
//
//   launch/mpirun.sh -np 2 build/release/tests/bench/small_messages_bench
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "dist/rendezvous.h"

namespace dtrain {
namespace {

using Clock = std::chrono::steady_clock;  // one clock for all ranks of a host

double now() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }

// Per message, from the last rank's call to this rank's return, in microseconds.
class Latencies {
 public:
  void add(double called, double returned) {
    called_.push_back(called);
    returned_.push_back(returned);
  }

  // Over all messages and ranks; collective.
  std::vector<double> sorted(const dist::ProcessGroup& group) const {
    at::Tensor last = at::tensor(called_, at::kDouble);
    group.all_reduce_max(last);
    const at::Tensor mine = (at::tensor(returned_, at::kDouble) - last) * 1e6;
    const at::Tensor all = std::get<0>(at::cat(group.all_gather(mine)).sort());
    return {all.const_data_ptr<double>(), all.const_data_ptr<double>() + all.numel()};
  }

 private:
  std::vector<double> called_, returned_;
};

void compute_for(double seconds) {
  for (const double end = now() + seconds; now() < end;) {
  }
}

// `late`: seconds by which the first rank comes later than the others.
void compare(int64_t bytes,
             double late,
             const dist::ProcessGroup& memory,
             const dist::ProcessGroup& gloo) {
  constexpr int kMessages = 1000, kWarmup = 50;
  Latencies latencies[2];
  const dist::ProcessGroup* groups[] = {&memory, &gloo};
  at::Tensor values = at::ones({bytes / 8}, at::kDouble);
  for (int i = 0; i < kMessages + kWarmup; ++i) {
    for (int way = 0; way < 2; ++way) {
      memory.barrier();
      if (memory.rank() == 0) compute_for(late);
      values.fill_(1);
      const double called = now();
      groups[way]->all_reduce_sum(values);
      if (i >= kWarmup) latencies[way].add(called, now());
    }
  }
  for (int way = 0; way < 2; ++way) {
    const std::vector<double> sorted = latencies[way].sorted(memory);
    if (memory.rank() != 0) continue;
    const auto at_part = [&](double part) {
      return sorted[size_t(part * double(sorted.size() - 1))];
    };
    std::printf(
        "%lld ranks, %6lld bytes, one rank %4.1f ms late, %-6s: median %7.1f us, quartiles %7.1f "
        "to %7.1f, 95 %% below %7.1f\n",
        static_cast<long long>(memory.size()),
        static_cast<long long>(bytes),
        late * 1e3,
        way == 0 ? "memory" : "Gloo",
        at_part(0.5),
        at_part(0.25),
        at_part(0.75),
        at_part(0.95));
  }
}

}  // namespace
}  // namespace dtrain

int main(int argc, char** argv) {
  using namespace dtrain;
  const dist::MpiScope mpi(&argc, &argv);
  dist::DistConfig config;
  const dist::ProcessGroup memory = dist::rendezvous(mpi, config, c10::kCPU);
  config.shared_memory = "off";
  const dist::ProcessGroup gloo = dist::rendezvous(mpi, config, c10::kCPU);
  for (const int64_t bytes : {8, 2048, 8192, 65536}) {
    for (const double late : {0.0, 0.001}) compare(bytes, late, memory, gloo);
  }
}
