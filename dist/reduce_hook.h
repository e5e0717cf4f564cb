// How c10d::Reducer reduces a bucket: a sum over the ranks, 32 or 16 bits a value on the wire.
#pragma once

#include <c10/core/ScalarType.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/comm.hpp>

#include "dist/host_reducer.h"

namespace dtrain::dist {

// When the last bucket was handed to the network: what a backward pass takes beyond that is
// communication that nothing hides.
struct ReduceClock {
  std::chrono::steady_clock::time_point last_bucket;
  int64_t buckets = 0;  // handed over so far
};

// With `wire` (bfloat16 or float16) the values are rounded to it before they travel, and the ranks
// add them in it: half the bytes, and sums of 8 or 11 bits of precision. As DDP's
// fp16_compress_hook and bf16_compress_hook. With a host reducer, what it takes goes its way.
class ReduceHook : public c10d::CppCommHookInterface<c10::intrusive_ptr<c10d::ProcessGroup>> {
 public:
  ReduceHook(const c10::intrusive_ptr<c10d::ProcessGroup>& group,
             std::optional<at::ScalarType> wire,
             std::shared_ptr<ReduceClock> clock,
             std::shared_ptr<HostReducer> host);
  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override;

 private:
  std::optional<at::ScalarType> wire_;
  std::shared_ptr<ReduceClock> clock_;
  std::shared_ptr<HostReducer> host_;
};

}  // namespace dtrain::dist
