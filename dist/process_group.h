// The ranks that train together, and the collective operations between them.
//
//   ProcessGroup group = rendezvous(mpi, config.dist, device);
//   at::Tensor sums = at::tensor({loss_sum, count}, at::kDouble);
//   group.all_reduce_sum(sums);                       // the same bits on every rank
//
// Every member makes the same calls in the same order; tensors agree in shape and dtype. Tensors on
// the CPU always work; tensors on the GPU work in a group whose rendezvous was for a GPU. An
// operation on the GPU is done when the call returns in the sense of the current stream.
//
// An operation that a peer does not join, because it died, hangs or took another turn, ends after
// the timeout of DistConfig (at once where the connection broke) with Error(kRetry) that names the
// operation and, where it can be told, the ranks. Of the ranks that notice, the lowest throws the
// error and the others PeerFailed (mpi_scope.h), so that one line is printed. The group is of no
// use afterwards.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

namespace dtrain::dist {

class HostGroup;
class HostReducer;
class RollCall;

// How members reach each other. Chosen once, in rendezvous(); sub-groups inherit it.
struct Transport {
  std::string backend = "gloo";         // "gloo" | "nccl", for tensors on the GPU
  std::vector<std::string> interfaces;  // network interfaces for gloo; empty: by host name
  std::chrono::milliseconds timeout{600'000};
  bool gpu = false;                           // also carries tensors on the GPU
  std::chrono::milliseconds roll_call{3000};  // Note [Roll call]
  bool shared_memory = true;                  // for small messages, where the ranks share a host
  int64_t ranks_on_host = 0;                  // of all groups; 0: not known
};

// A handle: copies share one group. Must be gone before the MpiScope it came from.
class ProcessGroup {
 public:
  // Connects `size` processes (or threads, in tests) that share a store; collective. Keys are set
  // under the store's own prefix only. Normal programs call rendezvous().
  ProcessGroup(c10::intrusive_ptr<c10d::Store> store,
               int64_t rank,
               int64_t size,
               Transport transport);

  int64_t rank() const { return rank_; }
  int64_t size() const { return int64_t(members_.size()); }
  std::chrono::milliseconds timeout() const { return transport_.timeout; }

  void all_reduce_sum(at::Tensor& tensor) const;  // in place
  void all_reduce_max(at::Tensor& tensor) const;  // in place
  void broadcast(at::Tensor& tensor, int64_t root = 0) const;
  std::string broadcast(const std::string& from_root, int64_t root = 0) const;
  std::vector<at::Tensor> all_gather(const at::Tensor& mine) const;  // by rank
  // The same into one contiguous tensor of size() times the elements.
  void all_gather_into(at::Tensor& all, const at::Tensor& mine) const;
  // Rows of contiguous tensors: send_rows[r] of `send` go to rank r, receive_rows[r] come from it.
  void all_to_all(at::Tensor& receive,
                  const at::Tensor& send,
                  std::vector<int64_t> receive_rows,
                  std::vector<int64_t> send_rows) const;
  void barrier() const;  // of the ranks, not of what they have queued on a GPU

  // A failure on the GPU shows late: what waits for it goes on with worthless values. After waiting
  // for the GPU, and before keeping what it computed (a checkpoint), this throws if there was one.
  void expect_healthy() const;

  // The members that give the same colour form a group, ordered by rank. Collective.
  ProcessGroup split(int64_t color) const;
  // The same members with connections of their own, for tensors on the CPU: small messages
  // (metrics, digests, votes) do not wait behind gradients, and with NCCL for gradients it is still
  // Gloo that carries them, whose failures name the missing rank. Collective.
  ProcessGroup control_group() const;

  // Seconds that operations of this group and its copies have made their callers wait.
  double waited_seconds() const { return *waited_seconds_; }

  // For large tensors on the CPU: memory that the members share, and a thread of its own. Null on
  // all members where they share none. Collective.
  std::shared_ptr<HostReducer> make_host_reducer() const;

  // Whether small messages go through shared memory (host_group.h), and how long they took there:
  // without the time for which they waited for the last member to come.
  bool shares_memory() const { return host_ != nullptr; }
  double exchanging_seconds() const;

  // Runs f, which communicates over c10d() by itself, and turns failures of communication into the
  // errors described above. Other exceptions pass.
  void guarded(const std::string& operation, const std::function<void()>& f) const;

  // For LibTorch's own parts (the reducer).
  const c10::intrusive_ptr<c10d::ProcessGroup>& c10d() const { return group_; }

 private:
  ProcessGroup(c10::intrusive_ptr<c10d::Store> store,
               int64_t rank,
               std::vector<int64_t> members,
               Transport transport,
               std::shared_ptr<RollCall> roll_call);
  ProcessGroup split(int64_t color, const Transport& transport) const;
  void all_reduce(at::Tensor& tensor, bool max) const;
  void expect_healthy(const std::string& operation) const;
  void wait(const std::string& operation, const c10::intrusive_ptr<c10d::Work>& work) const;
  void timed(const std::string& operation, const std::function<void()>& f) const;
  void connect();
  [[noreturn]] void fail(const std::string& operation, const std::string& cause) const;

  c10::intrusive_ptr<c10d::Store> store_;
  int64_t rank_;
  std::vector<int64_t> members_;  // their ranks in the first group
  Transport transport_;
  std::shared_ptr<RollCall> roll_call_;
  std::shared_ptr<int64_t> splits_;         // so far; shared by copies of the handle
  std::shared_ptr<double> waited_seconds_;  // likewise
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  std::shared_ptr<HostGroup> host_;  // null: Gloo carries everything
};

}  // namespace dtrain::dist
