// The operations of a group of one: no peer, so no connection and no network interface.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>

namespace dtrain::dist::detail {

// For tensors anywhere: what a rank would send to itself is copied, sums are left as they are. Has
// the operations that dtrain and c10d::Reducer use; others throw.
c10::intrusive_ptr<c10d::Backend> make_one_rank_backend();

}  // namespace dtrain::dist::detail
