// The shared memory of a group whose members run on one host: the way of tensors on the CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "dist/host_collectives.h"
#include "dist/host_meeting.h"
#include "dist/process_group.h"
#include "dist/roll_call.h"

namespace dtrain::dist {

struct HostGroupOptions {
  size_t slot_bytes = 64 * 1024;
  // Waiting members spin for a moment before they sleep, where each can have a processor. Not for a
  // thread beside others of the same rank.
  bool spin = true;
};

// Operations are those of ProcessGroup; the members are at the same one with tensors of the same
// size and type, contiguous, on the CPU. They throw HostFailure where a peer is lost, late or
// elsewhere.
class HostGroup {
 public:
  // Collective; null on all members where they do not share memory (host_meeting.h).
  static std::shared_ptr<HostGroup> create(const c10::intrusive_ptr<c10d::Store>& store,
                                           int64_t rank,
                                           int64_t size,
                                           const Transport& transport,
                                           const HostGroupOptions& options = {});
  HostGroup(HostMeeting meeting,
            int64_t rank,
            int64_t size,
            const Transport& transport,
            const HostGroupOptions& options);

  // Whether a tensor like this one is a small message of this group, and whether all_reduce() can
  // add it up: the same answers on all members.
  bool carries(const at::Tensor& tensor) const;
  bool adds_up(const at::Tensor& tensor) const;

  void all_reduce(at::Tensor& tensor, bool max);
  void broadcast(at::Tensor& tensor, int64_t root);
  void all_gather(const std::vector<at::Tensor>& by_rank, const at::Tensor& mine);
  void barrier();
  // An operation that waits, in another thread, ends soon with HostFailure. No use afterwards.
  void give_up() { given_up_ = true; }

  double exchanging_seconds() const { return collectives_.times().exchanging; }
  std::vector<Socket> sockets() const;  // that break when a member is lost

 private:
  std::chrono::nanoseconds agreed_spin(int64_t size, int64_t ranks_on_host);

  HostMeeting meeting_;
  const size_t slot_bytes_;
  std::atomic<bool> given_up_{false};
  HostCollectives collectives_;
};

}  // namespace dtrain::dist
