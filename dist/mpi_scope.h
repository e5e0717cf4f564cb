// What MPI is used for: who am I, how many are we, a few strings at set-up, and ending all ranks.
//
// Training traffic never goes through MPI, whose collectives have no timeout (see rendezvous.h).
//
//   int main(int argc, char** argv) {
//     dist::MpiScope mpi(&argc, &argv);
//     try {
//       auto data = dist::together(mpi, [&] { return open_data(config); });
//       ...
//     } catch (const dist::PeerFailed& e) {      // another rank reports it
//       dist::MpiScope::abort(int(e.code()));
//     } catch (const Error& e) {
//       print(e);
//       dist::MpiScope::abort(int(e.code()));
//     }
//   }
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dist/peer_failed.h"
#include "util/check.h"

namespace dtrain::dist {

struct Communicator;  // mpi_communicator.h

// MPI from construction to destruction; one object, made first in main(), and parts of it made by
// split().
//
// Without a launcher (launcher.h) MPI is not started at all and the process is rank 0 of 1:
// starting MPI alone takes longer than many commands do. Throws Error(kUsage) when srun started
// several processes that do not know of each other, Error(kConfig) when another launcher did that
// MPI does not know, such as MPICH's mpiexec or torchrun.
//
// Every call but the accessors and abort() is collective: all ranks make it, in the same order.
// Waiting ranks sleep instead of spinning, so that a rank that works has the cores.
class MpiScope {
 public:
  MpiScope(int* argc, char*** argv);
  ~MpiScope();  // MPI_Finalize; not when an exception is passing through, which would wait for
                // peers
  MpiScope(const MpiScope&) = delete;
  MpiScope& operator=(const MpiScope&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int local_rank() const { return local_rank_; }  // among those that share this host's memory
  int local_size() const { return local_size_; }
  // The same among all ranks that were launched, also in a part: they share cores and GPUs.
  int host_rank() const { return host_rank_; }
  int host_size() const { return host_size_; }
  const std::string& host() const { return host_; }
  bool launched() const { return launched_; }  // false: no launcher, MPI was not started

  std::string broadcast(const std::string& from_root, int root = 0) const;
  std::vector<std::string> all_gather(const std::string& mine) const;  // by rank
  std::vector<int64_t> all_gather(int64_t mine) const;                 // by rank
  void barrier() const;

  // The ranks that give the same colour, in the same order, as a scope of their own; collective. It
  // must be gone before this one.
  std::unique_ptr<MpiScope> split(int64_t color) const;
  const Communicator& communicator() const { return *communicator_; }

  // Ends this process and all other ranks with this exit code; writes out buffered output first.
  // May be called from any thread, and before or without an MpiScope.
  [[noreturn]] static void abort(int code);

  // Held around every MPI call of the process, which is started with MPI_THREAD_SERIALIZED.
  static std::mutex& calls();

 private:
  MpiScope() = default;
  void find_ranks();

  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1, host_rank_ = 0, host_size_ = 1;
  bool launched_ = false;
  bool finalizes_ = false;
  std::string host_;
  std::shared_ptr<Communicator> communicator_;
};

namespace detail {
// Collective: returns on all ranks if `failure` is null on all; else throws on all. The lowest rank
// with a failure of its own rethrows it, the others throw PeerFailed with the same exit code.
void agree(const MpiScope& mpi, std::exception_ptr failure);
}  // namespace detail

// Runs f on every rank, and all ranks return or all throw: for phases of set-up that may fail on
// one rank alone (a folder missing on one host), which would leave the others waiting.
template <class F>
auto together(const MpiScope& mpi, F&& f) -> std::invoke_result_t<F> {
  std::exception_ptr failure;
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    try {
      std::forward<F>(f)();
    } catch (...) {
      failure = std::current_exception();
    }
    detail::agree(mpi, failure);
  } else {
    std::optional<std::invoke_result_t<F>> result;
    try {
      result.emplace(std::forward<F>(f)());
    } catch (...) {
      failure = std::current_exception();
    }
    detail::agree(mpi, failure);
    return std::move(*result);
  }
}

}  // namespace dtrain::dist
