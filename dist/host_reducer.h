// Sums of large tensors over the ranks of one host: through shared memory, on a thread of its own,
// so that gradients are added up during the backward pass.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "dist/host_group.h"

namespace dtrain::dist {

// All members make the same calls in the same order, with tensors of the same size and type.
class HostReducer {
 public:
  explicit HostReducer(std::shared_ptr<HostGroup> group);
  // Gives up what has not been done: those futures end with HostFailure.
  ~HostReducer();

  // Whether all_reduce_sum() takes such a tensor: the same answer on all members.
  bool reduces(const at::Tensor& tensor) const;

  // Sums a contiguous tensor in place, in the order of ranks. The future holds the tensor, or the
  // HostFailure of a peer that was lost, late or elsewhere, and so do all after it.
  c10::intrusive_ptr<c10::ivalue::Future> all_reduce_sum(const at::Tensor& tensor);

 private:
  struct Task {
    at::Tensor tensor;
    c10::intrusive_ptr<c10::ivalue::Future> done;
  };
  void run();
  void reduce(Task& task);

  std::shared_ptr<HostGroup> group_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool is_ending_ = false;
  std::exception_ptr failure_;  // of the thread alone
  std::thread thread_;
};

}  // namespace dtrain::dist
