// Ranks as threads of one process, for tests of what several ranks do together.
#pragma once

#include <chrono>
#include <cstdlib>
#include <exception>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <vector>

#include "dist/mpi_scope.h"
#include "dist/process_group.h"

namespace dtrain::testing {

// Runs f(group) on `size` threads that are the ranks of one group over the loopback interface.
// Returns what each rank threw, null if nothing.
template <class F>
std::vector<std::exception_ptr> failures_on_rank_threads(
    int64_t size, F f, std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
  setenv("TORCH_FR_BUFFER_SIZE", "0", 1);  // c10d's recorder of operations is no match for threads
  const auto store = c10::make_intrusive<c10d::HashStore>();
  const dist::Transport transport{
      .interfaces = {"lo"}, .timeout = timeout, .roll_call = std::chrono::milliseconds(700)};
  std::vector<std::exception_ptr> failures(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        f(dist::ProcessGroup(store, rank, size, transport));
      } catch (...) {
        failures[static_cast<size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return failures;
}

// The same, and rethrows the first failure that is not about another rank.
template <class F>
void on_rank_threads(int64_t size, F f) {
  const auto failures = failures_on_rank_threads(size, f);
  std::exception_ptr peer;
  for (const std::exception_ptr& failure : failures) {
    if (!failure) continue;
    try {
      std::rethrow_exception(failure);
    } catch (const dist::PeerFailed&) {
      peer = failure;
    }
  }
  if (peer) std::rethrow_exception(peer);
}

}  // namespace dtrain::testing
