// One rank as a process of its own, without a launcher that would end the others when one dies:
//   rank_process STORE RANK SIZE RANK_THAT_FAILS kill|stop VALUES [background]
// All ranks reduce that many values in a loop, by a thread of their own with `background`; the one
// that fails kills or stops itself on the way.
// The others print the error and end with its exit code.
#include <ATen/ATen.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <torch/csrc/distributed/c10d/FileStore.hpp>

#include "dist/host_reducer.h"
#include "dist/mpi_scope.h"
#include "dist/process_group.h"

int main(int argc, char** argv) {
  using namespace dtrain;
  const int64_t rank = std::atoll(argv[2]), size = std::atoll(argv[3]);
  const bool fails = rank == std::atoll(argv[4]);
  const dist::Transport transport{.interfaces = {"lo"},
                                  .timeout = std::chrono::milliseconds(2000),
                                  .roll_call = std::chrono::milliseconds(1000)};
  try {
    const auto store = c10::make_intrusive<c10d::FileStore>(argv[1], int(size));
    const dist::ProcessGroup group(store, rank, size, transport);
    at::Tensor values = at::ones({std::atoll(argv[6])});
    const auto reducer = argc > 7 ? group.make_host_reducer() : nullptr;
    for (int step = 0; step < 1000; ++step) {
      if (fails && step == 20) std::raise(std::string(argv[5]) == "kill" ? SIGKILL : SIGSTOP);
      if (reducer) {
        group.guarded("gradient all-reduce",
                      [&] { reducer->all_reduce_sum(values.fill_(1))->waitAndThrow(); });
      } else {
        group.all_reduce_sum(values.fill_(1));
      }
    }
  } catch (const dist::PeerFailed& e) {
    std::_Exit(int(e.code()));  // at once: this test is not about tidying up
  } catch (const Error& e) {
    std::cout << e.what() << std::endl;
    std::_Exit(int(e.code()));
  }
  std::_Exit(0);
}
